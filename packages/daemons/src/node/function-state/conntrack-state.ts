// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { announceAllAddresses } from '@vnfpool/platform/addresses';
import { Conntrack, type ConntrackFilter, ConntrackFollower } from '@vnfpool/platform/conntrack';
import { NetworkGate } from '@vnfpool/platform/gate';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { exportFlows, FlowImporter } from '@vnfpool/runtime/flow-transfer';
import type { StateKind } from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import type { ConntrackSourceOptions } from '../slot-state/conntrack-source.ts';
import { SlotConnections } from '../slot-state/slot-connections.ts';
import { Continuity } from './continuity.ts';
import {
  abortError,
  type FunctionState,
  FunctionStateError,
  type FunctionStateLimits,
} from './function-state.ts';
import { refuseBeyond } from './octets.ts';
import { orAborted, untilAborted } from './waiting.ts';

/** The network of a function, closed from its beginning. */
export interface MovableNetwork {
  readonly namespace: { readonly fd: number };
  /** Whether all of its links carry frames. */
  isPassing(): boolean;
}

export interface ConntrackStateOptions {
  readonly network: MovableNetwork;
  readonly filter: ConntrackFilter;
  /** Where a standby keeps its copy; default `userspace`. */
  readonly standby?: 'userspace' | 'kernel';
  readonly format: string | null;
  readonly limits: FunctionStateLimits;
  /** How many connections it has; told when it changes, at most once a second. */
  readonly onCount: (connections: number) => void;
  /** What people should know of it. */
  readonly onNews: ConntrackSourceOptions['onNews'];
}

const FORMAT = 'flow-state/1';
const PASSING_POLL_MS = 5;
const COUNT_MS = 1_000;
/** A broadcast may be lost: it is sent at once, and again so much later. */
const ANNOUNCED_AGAIN_MS = [50, 500, 2_000] as const;

/**
 * State that the kernel has: the connections tracked in the network namespace of a function, with their translation. The
 * function needs no program.
 *
 * Nothing passes the network's gate before the function is active, nor while it is quiesced; connections that come from another
 * node are put into the kernel as they come, where nothing can meet them before. So the pause holds only those that changed last.
 */
export class ConntrackFunctionState implements FunctionState {
  readonly environment: Readonly<Record<string, string>> = {};
  readonly folder = null;
  /** Nobody says; it shows in the deltas. */
  readonly changeRate = null;
  readonly connections: SlotConnections;
  readonly #options: ConntrackStateOptions;
  readonly #gate: NetworkGate;
  readonly #table: Conntrack;
  readonly #importer: FlowImporter;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };
  readonly #closing = new AbortController();
  #follower: ConntrackFollower | null = null;
  #isMoving = false;
  #announcing: AbortController | null = null;
  #movedSessions: number | null = null;
  #counted = -1;
  readonly #counting: NodeJS.Timeout;

  /** @throws PlatformError `EPERM` */
  constructor(options: ConntrackStateOptions) {
    this.#options = options;
    this.connections = new SlotConnections(options);
    this.#gate = this.#inside(() => new NetworkGate());
    try {
      this.#table = this.#inside(() => new Conntrack());
    } catch (error) {
      this.#gate.dispose();
      throw error;
    }
    this.#importer = new FlowImporter(this.#table);
    this.#counting = setInterval(() => this.#count(), COUNT_MS).unref();
  }

  get format(): string {
    return this.#options.format ?? FORMAT;
  }

  /** Connections in the parts of the transfer under way, or of the last one. */
  get movedSessions(): number | null {
    return this.#movedSessions;
  }

  role(role: Role): Promise<void> {
    return this.#kernel(() => {
      if (role !== 'active') this.#gate.close('standby');
      else if (this.#gate.open('standby') !== null) this.#announce();
    });
  }

  quiesce(): Promise<void> {
    return this.#kernel(() => this.#gate.close('quiesced')).then(() => turn());
  }

  resume(): Promise<void> {
    this.#continuity.export.reset();
    this.#unfollow();
    return this.#kernel(() => {
      if (this.#gate.dropped('quiesced') === null) return;
      this.#tellDropped();
      this.#gate.open('quiesced');
      // Another may have been announced meanwhile.
      this.#announce();
    });
  }

  async discard(): Promise<void> {
    this.#continuity.export.reset();
    this.#continuity.import.reset();
    await this.#importer.discard();
  }

  async export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    let bytes = 0;
    const take = async (chunk: Uint8Array): Promise<void> => {
      bytes += chunk.length;
      refuseBeyond(this.#options.limits.bytesMax, bytes);
      await write(chunk);
    };
    await this.#move('export', kind, stop, async () => {
      const follower = kind === 'snapshot' || this.#follower === null ? this.#follow() : this.#follower;
      const { overruns } = follower;
      const { flows, gone } = await exportFlows(follower, kind, take, stop);
      this.#movedSessions = follower.size;
      if (follower.overruns > overruns)
        this.#options.onNews('the kernel lost events of connections: all were listed anew', { flows, gone });
    });
    return { bytes };
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    await this.#move('import', kind, stop, async () => {
      // What follows takes the source's time only as long as it serves.
      if (kind === 'snapshot') await this.#untilPassing(stop);
      const { flows, weakened, notExpected, refused, refusedTotal } = await this.#importer.import(
        kind,
        untilAborted(chunks, stop),
        stop,
      );
      this.#movedSessions = this.#importer.size;
      if (weakened > 0)
        this.#options.onNews('connections go on without their helper or master', { weakened });
      if (notExpected > 0)
        this.#options.onNews('expected connections are not expected any more', { notExpected });
      const [first] = refused;
      if (first === undefined) return;
      const why = first.code === 'ENOMEM' ? 'the table is full' : first.code;
      const all = flows + refusedTotal;
      throw new FunctionStateError(
        'refused',
        `the kernel refuses ${refusedTotal} of ${all} connections: ${why}`,
      );
    });
  }

  close(isLeft = false): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    this.#closing.abort(new FunctionStateError('closed', 'the agent is done with the function'));
    this.#announcing?.abort();
    clearInterval(this.#counting);
    this.#unfollow();
    void this.connections.close(isLeft);
    try {
      this.#tellDropped();
    } finally {
      this.#gate.dispose();
      this.#table.close();
    }
    return Promise.resolve();
  }

  /** The kernel's refusals, as errors of state. */
  async #kernel<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FunctionStateError) throw error;
      throw new FunctionStateError('refused', `the kernel refuses: ${(error as Error).message}`, error);
    }
  }

  async #move(
    op: 'export' | 'import',
    kind: StateKind,
    stop: AbortSignal,
    move: () => Promise<void>,
  ): Promise<void> {
    if (this.#isMoving) throw new FunctionStateError('busy', 'an export or import is under way');
    await this.#continuity[op].run(kind, async () => {
      this.#isMoving = true;
      try {
        await this.#kernel(move);
      } catch (error) {
        throw stop.aborted ? abortError(stop) : error;
      } finally {
        this.#isMoving = false;
      }
    });
  }

  #follow(): ConntrackFollower {
    this.#unfollow();
    const { filter, onNews } = this.#options;
    const follower = this.#inside(() => new ConntrackFollower({ filter }));
    this.#follower = follower;
    if (follower.listsAlways)
      onNews('connections do not tell of their changes: each part lists all of them', {
        setting: 'net.netfilter.nf_conntrack_events is not 1',
      });
    return follower;
  }

  #unfollow(): void {
    this.#follower?.close();
    this.#follower = null;
  }

  /** Bridges forward up to a second after a link came up: once it is active that would be a longer pause. */
  async #untilPassing(signal: AbortSignal): Promise<void> {
    const { limits, network, onNews } = this.#options;
    const deadline = performance.now() + limits.answerMs;
    while (!network.isPassing()) {
      if (performance.now() > deadline) {
        onNews('a link has no carrier, or its bridge does not forward', { waitedMs: limits.answerMs });
        return;
      }
      await orAborted(pause(PASSING_POLL_MS), signal);
    }
  }

  #announce(): void {
    this.#announcing?.abort();
    const announcing = new AbortController();
    this.#announcing = announcing;
    this.#inside(announceAllAddresses);
    void this.#announceAgain(announcing.signal);
  }

  async #announceAgain(signal: AbortSignal): Promise<void> {
    try {
      for (const afterMs of ANNOUNCED_AGAIN_MS) {
        await pause(afterMs, undefined, { signal, ref: false });
        if (this.#gate.dropped('standby') === null) this.#inside(announceAllAddresses);
      }
    } catch (error) {
      if (!signal.aborted) this.#options.onNews('not announced again', { reason: (error as Error).message });
    }
  }

  #count(): void {
    const count = this.#table.count();
    if (count !== this.#counted) this.#options.onCount(count);
    this.#counted = count;
  }

  #tellDropped(): void {
    const dropped = this.#gate.dropped('quiesced');
    if (dropped !== null) this.#options.onNews('frames dropped while it stood still', { ...dropped });
  }

  #inside<Result>(work: () => Result): Result {
    return inNamespace(this.#options.network.namespace.fd, work);
  }
}
