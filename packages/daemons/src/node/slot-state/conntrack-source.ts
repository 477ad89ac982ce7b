// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '@vnfpool/platform';
import {
  Conntrack,
  readConntrackSetting,
  subscribeConntrack,
  writeConntrackSetting,
} from '@vnfpool/platform/conntrack';
import { inNamespace } from '@vnfpool/platform/namespaces';
import {
  asGoneOn,
  type CopyContents,
  commitFlows,
  FirstPackets,
  type FlowCommitOptions,
  type FlowCommitResult,
  type FlowKernel,
  FlowUpdates,
  flowKernel,
  KernelCopy,
  type KnownTable,
  type SharedFlowFilter,
} from '@vnfpool/runtime/flow-sharing';
import { isSharedExpectationKey } from '@vnfpool/wire/flow-state';
import type { FirstPacketReport, OverrunReport } from '@vnfpool/wire/mobility';
import { FirstPacketRules } from './first-packet-rules.ts';
import { otherAddresses } from './other-addresses.ts';
import type { StateEntry, StateSink, StateSource } from './state-source.ts';

export interface ConntrackSourceOptions {
  /** Network of the function's own; null: that of the node, which is the calling thread's. */
  readonly network: { readonly namespace: { readonly fd: number } } | null;
  readonly filter: SharedFlowFilter;
  /** Whose state it is. */
  readonly slot: string;
  /** Where a standby keeps its copy: in user space alone (the default), or in the kernel too. */
  readonly standby?: 'userspace' | 'kernel';
  /**
   * Virtual addresses of the slot. Of the node's connections those are left alone, and not shared, of which an end is another address
   * of the node: its management, and the streams of this very state.
   */
  readonly addresses: readonly string[];
  /** What the kernel keeps of events while the agent does not read; default 64 MiB: some 80,000 of them. */
  readonly receiveBufferBytes?: number;
  /** What people should know of it; default severity `info`. */
  readonly onNews: (
    message: string,
    figures: Readonly<Record<string, number | string>>,
    severity?: 'info' | 'warning',
  ) => void;
}

/** For what the kernel has already to be told, when the node has it itself. */
const LISTING_MS = 5_000;
/** Behind a take-over: listing costs the kernel a walk through its whole table, however few connections are in it, and the slot is to be served first. */
const LIST_AFTER_MS = 250;

/** A larger table is not looked through ahead: others wait meanwhile. */
const LOOKED_THROUGH_MAX = 10_000;

const NOTHING: KnownTable = { others: [], has: () => false };

type FlowEntry = readonly [key: string, value: Uint8Array];

/** While the slot is held. */
interface Following {
  readonly kernel: FlowKernel;
  readonly updates: FlowUpdates;
  /** Null: none are held. */
  readonly first: FirstPackets | null;
}

/**
 * State of a slot that the kernel has: connections, with their translation. Standbys keep their copies in user space, or in their kernels
 * too, and the one that takes over puts what is missing into the kernel before the address answers. Only the holder follows its kernel,
 * so what a standby put in is never told as its own.
 */
export class ConntrackSource implements StateSource {
  readonly #options: ConntrackSourceOptions;
  readonly #table: Conntrack;
  #following: Following | null = null;
  #overruns = 0;
  #isClosed = false;
  #hasLost = false;
  #kernelCopy: KernelCopy | null = null;
  /** Keys of what this kernel has from when the slot was held here. */
  #left: readonly string[] = [];
  /** Filter, as JSON, within which this kernel had no connection when the copy came; null: it had, or has held the slot since; undefined: not looked yet. */
  #emptyWithin: string | null | undefined;
  #sink: StateSink | null = null;
  readonly #rules: FirstPacketRules;
  /** First packets that were dropped, by the last report. */
  #toldDropped = 0;

  /** Sees to it that connections tell of themselves from now on. @throws PlatformError `EPERM`; Error of the settings */
  constructor(options: ConntrackSourceOptions) {
    this.#options = options;
    this.#rules = new FirstPacketRules({ ...options, within: (work) => this.#inside(work) });
    this.#table = this.#inside(() => new Conntrack());
    try {
      // A network of its own begins with it. The table was asked for first, which loads what has the settings.
      if (options.network === null) tellAlways();
    } catch (error) {
      this.#table.close();
      throw error;
    }
  }

  async begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    { isOwn, signal }: { readonly isOwn: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    if (this.#following !== null) throw new Error('the slot is held already');
    signal.throwIfAborted();
    this.#hasLost = false;
    // The kernel knows of no secrets.
    const copy = Array.from(entries, ([key, value]) => [key, value] as const);
    const kernelCopy = this.#kernelCopy;
    this.#kernelCopy = null;
    if (kernelCopy !== null) {
      await kernelCopy.stop();
      // Where this fails, they are taken out or go on by the next copy.
      this.#left = [...kernelCopy.keys];
    }
    const filter = this.#filter();
    const contents = sink.defers === true ? goneOn(copy) : copy;
    if (!isOwn) await this.#commit(contents, { filter, signal, known: kernelCopy?.known(filter) ?? null });
    this.#emptyWithin = null;
    // What was refused, or has changed since, is the difference that the first listing finds.
    const isToldAtOnce = isOwn || sink.defers === true;
    const following = this.#inside(() => this.#follow(copy, sink, filter, isToldAtOnce ? 0 : LIST_AFTER_MS));
    this.#following = following;
    this.#toldDropped = 0;
    this.#sink = sink;
    // Others may have it once all of it was told.
    if (isOwn) await orLate(following.updates.settle(), LISTING_MS);
  }

  async end(): Promise<void> {
    const following = this.#following;
    if (following === null) return;
    this.#following = null;
    this.#emptyWithin = undefined;
    if (following.first !== null) {
      following.first.close();
      this.#rules.removeLater();
    }
    // The last updates are not in it yet: of those it had before.
    if (this.#options.standby === 'kernel')
      this.#left = Array.from(this.#sink?.entries() ?? [], ([key]) => key);
    this.#sink = null;
    try {
      await following.updates.end();
    } catch (error) {
      const { message } = error as Error;
      this.#options.onNews('the last changes of connections were not told', { reason: message }, 'warning');
    } finally {
      following.kernel.close();
    }
  }

  /** Each of a copy of its own: another one takes its place. */
  follow(copy: CopyContents, keys: readonly string[] | null): void {
    if (this.#following !== null || this.#isClosed) return;
    this.#rules.remove();
    if (this.#options.standby !== 'kernel') {
      if (this.#emptyWithin === undefined) this.#lookAhead();
      return;
    }
    if (this.#kernelCopy?.contents === copy) this.#kernelCopy.changed(keys);
    else this.#kernelCopy = this.#keepInKernel(copy);
  }

  firstPackets(): FirstPacketReport | null {
    const first = this.#following?.first ?? null;
    if (first === null) return null;
    const { released, late, unknown, overflowed } = first.counts;
    const dropped = late + unknown + overflowed;
    const isDropping = dropped > this.#toldDropped;
    this.#toldDropped = dropped;
    return { waiting: first.waiting, released, dropped, isDropping };
  }

  fault(): string | null {
    const updates = this.#following?.updates;
    if (updates === undefined) return null;
    const { failure, refusal, silentMs, unfit } = updates;
    if (failure !== null) return `connections are not told any more: ${failure.message}`;
    if (refusal !== null) return `the kernel does not tell its connections: ${refusal.message}`;
    if (silentMs !== null) return silenceWords(silentMs, this.#events());
    return unfit === null ? null : `the copy is full, and ${unfit} connections wait for room`;
  }

  overruns(): OverrunReport | null {
    const updates = this.#following?.updates;
    if (updates === undefined || updates.overruns === 0) return null;
    return { times: updates.overruns, isAmid: updates.isOverrun };
  }

  hasLost(): boolean {
    return this.#hasLost;
  }

  async forget(): Promise<void> {
    const kernelCopy = this.#kernelCopy;
    this.#kernelCopy = null;
    await kernelCopy?.remove();
  }

  /** @param isLeft the next agent goes on with what is there */
  async close(isLeft = false): Promise<void> {
    this.#isClosed = true;
    this.#following?.first?.close();
    this.#rules.close(isLeft);
    this.#following?.updates.close();
    this.#following?.kernel.close();
    this.#following = null;
    try {
      await this.forget();
    } finally {
      this.#table.close();
    }
  }

  #keepInKernel(contents: CopyContents): KernelCopy {
    const { onNews } = this.#options;
    const former = this.#kernelCopy;
    const left = [...this.#left, ...(former?.keys ?? [])];
    this.#left = [];
    return new KernelCopy({
      table: this.#table,
      contents,
      filter: () => this.#filter(),
      after: former?.stop(),
      left,
      watch: (listener) => this.#inside(() => subscribeConntrack(listener, { exceptPort: this.#table.port })),
      onRefused: (refused, code) => {
        if (refused === 0) onNews('the kernel has all connections of the copy again', {});
        else {
          const why = code === 'ENOMEM' ? 'the table is full' : code;
          onNews(
            'the kernel refuses connections of the copy, which stay in user space',
            { refused, why },
            'warning',
          );
        }
      },
      onFault: ({ message }) =>
        onNews('the copy cannot be kept in the kernel', { reason: message }, 'warning'),
    });
  }

  /** Whether there is anything in the way of what the copy may bring: a take-over need not ask then. */
  #lookAhead(): void {
    const filter = this.#filter();
    this.#emptyWithin = null;
    try {
      if (this.#table.count() > LOOKED_THROUGH_MAX) return;
      for (const piece of this.#table.dump(filter)) if (piece.length > 0) return;
      this.#emptyWithin = JSON.stringify(filter);
    } catch (error) {
      // It is asked when it counts.
      if (!isPlatformError(error)) throw error;
    }
  }

  async #put(copy: readonly FlowEntry[], options: FlowCommitOptions): Promise<FlowCommitResult> {
    const isEmpty = this.#emptyWithin === JSON.stringify(options.filter);
    if (options.known !== null || !isEmpty) return commitFlows(this.#table, copy, options);
    const done = await commitFlows(this.#table, copy, { ...options, known: NOTHING });
    // Something has come since, and is in the way.
    return done.refusedTotal === 0 ? done : commitFlows(this.#table, copy, options);
  }

  async #commit(copy: readonly FlowEntry[], options: FlowCommitOptions): Promise<void> {
    const { onNews } = this.#options;
    const done = await this.#put(copy, options);
    const { flows, kept, removed, weakened, leftOut, refusedTotal, refused } = done;
    onNews('connections of the copy are in the kernel', { flows, kept, removed });
    if (weakened > 0) onNews('connections go on without their helper or master', { weakened });
    if (leftOut > 0) onNews('entries of the copy are no connections for this node', { leftOut });
    const { expected, orphaned, notExpected, notExpectedCode } = done;
    if (expected > 0) onNews('expected connections of the copy are in the kernel', { expected });
    if (orphaned > 0)
      onNews('connections are not expected any more: their master is not there', { orphaned });
    if (notExpected > 0)
      onNews('the kernel refuses to expect connections', { refused: notExpected, why: notExpectedCode });
    if (refusedTotal === 0) return;
    const code = refused[0]?.code ?? '';
    const why = code === 'ENOMEM' ? 'the table is full' : code;
    if (flows + kept === 0) throw new Error(`the kernel refuses all ${refusedTotal} connections: ${why}`);
    // Whoever serves with most of them serves better than nobody.
    this.#hasLost = true;
    onNews('the kernel refuses connections, which are lost', { refused: refusedTotal, why }, 'warning');
  }

  #follow(
    entries: readonly FlowEntry[],
    sink: StateSink,
    filter: SharedFlowFilter,
    listAfterMs: number,
  ): Following {
    const { onNews, receiveBufferBytes } = this.#options;
    const kernel = flowKernel({
      filter,
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
      within: (work) => this.#inside(work),
    });
    try {
      const updates = new FlowUpdates({
        kernel,
        choice: sink.defers === true ? 'mapped' : 'begun',
        entries,
        listAfterMs,
        change: (changes) => sink.change(changes),
        onOverrun: () => {
          this.#overruns++;
          onNews(
            'the kernel lost events of connections: all are listed anew',
            { times: this.#overruns },
            'warning',
          );
        },
        onFull: (changes) => {
          if (changes === 0) onNews('the copy of the connections has room again, and all are shared', {});
          else onNews('the copy of the connections is full: not all are shared', { changes }, 'warning');
        },
        onKernel: (error) => {
          if (error === null) onNews('the kernel tells its connections again', {});
          else onNews('the kernel does not tell its connections', { reason: error.message }, 'warning');
        },
        onSilence: (isSilent) => {
          if (isSilent) onNews('the kernel tells nothing of its connections', this.#events(), 'warning');
          else
            onNews(
              'the kernel tells of its connections again: all were listed anew, and are each minute',
              {},
            );
        },
        onNoCanary: (error) => {
          if (error === null) onNews('whether the kernel tells its connections is known again', {});
          else {
            const reason = error.code === 'ENOMEM' ? 'the table is full' : error.message;
            onNews('whether the kernel tells its connections is not known', { reason }, 'warning');
          }
        },
        onFault: ({ message }) => onNews('connections cannot be told', { reason: message }, 'warning'),
      });
      if (!updates.includesOlder)
        onNews('connections that are older than this do not tell of their changes', {
          setting: 'net.netfilter.nf_conntrack_events is not 1',
        });
      return { kernel, updates, first: this.#holdUp(updates, sink, filter) };
    } catch (error) {
      kernel.close();
      throw error;
    }
  }

  /** @throws Error where the kernel cannot: who asks for it is not served without */
  #holdUp(flows: FlowUpdates, sink: StateSink, filter: SharedFlowFilter): FirstPackets | null {
    if (sink.defers !== true) {
      this.#rules.remove();
      return null;
    }
    try {
      return new FirstPackets({
        open: (listener) => this.#rules.open(listener),
        flows,
        filter,
        change: (updates) =>
          sink.changeDeferred?.(updates) ?? Promise.reject(new Error('nothing is deferred')),
        onNews: this.#options.onNews,
      });
    } catch (error) {
      flows.close();
      throw error;
    }
  }

  /** What the kernel is set to tell, where that is known. */
  #events(): { readonly setting?: string } {
    try {
      const value = this.#inside(() => readConntrackSetting('nf_conntrack_events'));
      return { setting: `net.netfilter.nf_conntrack_events is ${value}` };
    } catch {
      return {};
    }
  }

  #filter(): SharedFlowFilter {
    const { filter, network, addresses } = this.#options;
    return network === null ? { ...filter, except: otherAddresses(addresses) } : filter;
  }

  #inside<Result>(work: () => Result): Result {
    const { network } = this.#options;
    return network === null ? work() : inNamespace(network.namespace.fd, work);
  }
}

/** @param silentMs 0: it tells again */
function silenceWords(silentMs: number, { setting }: { readonly setting?: string }): string {
  if (silentMs === 0) return 'the kernel told nothing of its connections, which are listed anew';
  const seconds = Math.round(silentMs / 1000);
  return `the kernel has told nothing of its connections for ${seconds} s${setting ? ` (${setting})` : ''}`;
}

/** Expected connections have no state of TCP. */
function goneOn(copy: readonly FlowEntry[]): FlowEntry[] {
  return copy.map(([key, value]) => [key, isSharedExpectationKey(key) ? value : asGoneOn(value)]);
}

/** Whichever comes first; what fails is told elsewhere. */
async function orLate(work: Promise<void>, withinMs: number): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    late = setTimeout(resolve, withinMs);
  });
  await Promise.race([work.catch(() => undefined), over]);
  clearTimeout(late);
}

function tellAlways(): void {
  if (readConntrackSetting('nf_conntrack_events') !== 1) writeConntrackSetting('nf_conntrack_events', 1);
}
