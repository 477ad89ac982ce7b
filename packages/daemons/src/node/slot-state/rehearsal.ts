// SPDX-License-Identifier: Apache-2.0
import type { AgentInput } from '@vnfpool/core/agent';
import { Conntrack, type ConntrackEntry, IPS_ASSURED, IPS_SEEN_REPLY } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';
import type { Clock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { CopyServer, replicationRule } from '@vnfpool/runtime/replication';
import { createSealKey } from '@vnfpool/runtime/state-seal';
import { MemoryNetwork } from '@vnfpool/transport/memory';
import type { StreamTransport } from '@vnfpool/transport/stream';
import type { LeasePeer, SlotDefinition } from '@vnfpool/wire/mobility';
import type { ToWorker } from '../worker-messages.ts';
import { ConntrackSource } from './conntrack-source.ts';
import { OpenStores } from './open-stores.ts';
import { SharedSlot } from './shared-slot.ts';
import type { StateEntry, StateSink, StateSource } from './state-source.ts';

/*
 * Taking a slot's state over is code that has never run in this process, as the lease's was: see `lease-rehearsal`. Here two nodes of
 * one slot pass it to each other, by the classes that will do it, with streams in memory, and kernels of namespaces of their own where
 * connections are the state.
 */

export type RehearsedMethod = 'replicate' | 'conntrack';

const SLOT = '0000000000000001';
const NODES = [1, 2] as const;
const HOST = '127.0.0.1';
/** One that hangs is given up: it is nobody's loss. */
const WITHIN_MS = 10_000;

/** @returns how many take-overs came to their end, of as many as were asked for; fewer where a kernel is asked for what it refuses */
export async function rehearseTaking(
  method: RehearsedMethod,
  takeOvers: number,
  clock: Clock,
): Promise<number> {
  const late = new AbortController();
  const cancel = clock.at(clock.nowMs() + WITHIN_MS, () => late.abort());
  const stage = new Stage(method, clock, late.signal);
  let done = 0;
  try {
    for (await stage.open(); done < takeOvers; done++) await stage.passOn();
  } catch {
    // As far as it came.
  } finally {
    cancel();
    await stage.close();
  }
  return done;
}

/** Two nodes, and what a council would do. */
class Stage {
  readonly #method: RehearsedMethod;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #transport: StreamTransport = new MemoryNetwork().transport({ rule: replicationRule });
  readonly #definition: SlotDefinition;
  #players: Player[] = [];
  #holder: Player | null = null;
  #epoch = 0;

  constructor(method: RehearsedMethod, clock: Clock, signal: AbortSignal) {
    this.#method = method;
    this.#clock = clock;
    this.#signal = signal;
    const candidates = NODES.map((node) => ({ node, functionId: node }));
    this.#definition = {
      id: SLOT,
      pool: 'rehearsal',
      index: 0,
      leaseMs: 300,
      addresses: [],
      genesis: { randomId: SLOT, candidates },
      candidates,
      lastResort: { rule: 'never' },
      sharing: { method, lossUpdates: 100, acknowledgedBy: 0, overload: 'degrade' },
    };
  }

  /** The first node holds the slot, and the second has its state. */
  async open(): Promise<void> {
    this.#signal.addEventListener('abort', () => this.#players.forEach((player) => player.wake()));
    for (const node of NODES) {
      const server = await CopyServer.listen({ transport: this.#transport, host: HOST, port: 0 });
      this.#players.push(new Player(node, server, this.#method === 'conntrack'));
    }
    const peers = this.#players.map((player) => player.peer);
    for (const player of this.#players)
      player.enter(this.#definition, peers, {
        transport: this.#transport,
        clock: this.#clock,
        holder: () => this.#holder?.node ?? null,
        post: (message) => this.#posted(player, message),
      });
    await this.#grant(this.#players[0] as Player);
  }

  /** The other one takes the slot over, as soon as it has the state. */
  async passOn(): Promise<void> {
    const next = this.#players.find((player) => player !== this.#holder) as Player;
    await next.until(() => next.hasCopy, this.#signal);
    await this.#grant(next);
  }

  async #grant(to: Player): Promise<void> {
    const former = this.#holder;
    this.#holder = to;
    const epoch = ++this.#epoch;
    to.slot?.take({
      type: 'take-state',
      slot: SLOT,
      epoch,
      functionId: to.node,
      listed: [{ node: to.node, functionId: to.node }],
      previous: former && { node: former.node, functionId: former.node },
      isReleased: false,
      isLossy: false,
      isResumed: false,
    });
    await to.until(() => to.takenEpoch === epoch, this.#signal);
    former?.leave();
  }

  #posted(player: Player, message: ToWorker): void {
    if (message.type !== 'list' || player !== this.#holder) return;
    const listed = [player.node, ...message.candidates.map(({ node }) => node)];
    setImmediate(() => {
      if (player !== this.#holder) return;
      player.slot?.listed({
        type: 'listed',
        slot: SLOT,
        epoch: ++this.#epoch,
        listed: listed.map((node) => ({ node, functionId: node })),
        serial: message.serial,
      });
    });
  }

  async close(): Promise<void> {
    for (const player of this.#players) await player.close();
  }
}

interface Surroundings {
  readonly transport: StreamTransport;
  readonly clock: Clock;
  readonly holder: () => number | null;
  readonly post: (message: ToWorker) => void;
}

class Player {
  readonly node: number;
  slot: SharedSlot | null = null;
  hasCopy = false;
  takenEpoch = 0;
  readonly #server: CopyServer;
  readonly #sealKey = createSealKey();
  readonly #kernel: Kernel | null;
  readonly #source: StateSource;
  #waiting: (() => void)[] = [];

  constructor(node: number, server: CopyServer, hasKernel: boolean) {
    this.node = node;
    this.#server = server;
    this.#kernel = hasKernel ? new Kernel() : null;
    this.#source = this.#kernel?.source ?? new Memory();
  }

  get peer(): LeasePeer {
    return {
      node: this.node,
      name: `node-${this.node}`,
      address: HOST,
      port: 1,
      key: '',
      replicationPort: this.#server.address.port,
      sealKey: this.#sealKey.publicKey,
    };
  }

  enter(
    definition: SlotDefinition,
    peers: readonly LeasePeer[],
    { transport, clock, holder, post }: Surroundings,
  ): void {
    const parts = {
      self: this.node,
      setName: () => '',
      peerOf: holder,
      server: this.#server,
      transport,
      stores: new OpenStores(),
      sealKey: this.#sealKey,
      sourceOf: () => Promise.resolve(this.#source),
      give: (input: AgentInput) => this.#given(input),
      post: (message: ToWorker) => {
        if (message.type === 'state-taken' && message.isTaken) this.takenEpoch = message.epoch;
        post(message);
        this.wake();
      },
      clock,
      logger: silentLogger,
      onFault: () => {},
    };
    this.slot = new SharedSlot(parts, definition, peers);
  }

  /** What it held, its kernel has no more when it takes the slot again. */
  leave(): void {
    this.hasCopy = false;
    this.slot?.leave();
    this.#kernel?.empty();
  }

  until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (signal.aborted) reject(signal.reason as Error);
        else if (isSo()) resolve();
        else this.#waiting.push(look);
      };
      look();
    });
  }

  async close(): Promise<void> {
    await this.slot?.close();
    await this.#source.close();
    await this.#server.close();
    this.#kernel?.close();
  }

  #given(input: AgentInput): void {
    if (input.type !== 'copy') return;
    this.hasCopy = input.isWhole && (input.position?.sequence ?? 0) > 0;
    this.wake();
  }

  /** Something has happened. */
  wake(): void {
    for (const look of this.#waiting.splice(0)) look();
  }
}

/** So many connections that what is done for each becomes quick, in a namespace that nothing else is in. */
class Kernel {
  readonly source: ConntrackSource;
  readonly #namespace: NetworkNamespace;
  readonly #table: Conntrack;

  constructor() {
    const namespace = createNamespace();
    this.#namespace = namespace;
    try {
      this.#table = inNamespace(namespace.fd, () => new Conntrack());
    } catch (error) {
      namespace.close();
      throw error;
    }
    const network = { namespace };
    this.source = new ConntrackSource({ network, filter: {}, slot: SLOT, addresses: [], onNews: () => {} });
    this.#table.insert(CONNECTIONS);
  }

  empty(): void {
    this.#table.remove(CONNECTIONS);
  }

  close(): void {
    this.#table.close();
    this.#namespace.close();
  }
}

/** A function with one key. */
class Memory implements StateSource {
  async begin(entries: Iterable<StateEntry>, sink: StateSink, { isOwn }: { readonly isOwn: boolean }) {
    const here = new Map(Array.from(entries, ([key, value]) => [key, value]));
    if (isOwn && here.size === 0) void sink.change([{ key: 'key', value: Uint8Array.of(1) }]).catch(() => {});
  }

  async end(): Promise<void> {}

  async close(): Promise<void> {}
}

const ports = (source: number, destination: number) => ({ kind: 'ports' as const, source, destination });
const [CLIENT, SERVER] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
const [GATEWAY, COUNT] = [Uint8Array.of(198, 51, 100, 1), 1_000];
const CONNECTIONS: readonly ConntrackEntry[] = Array.from({ length: COUNT }, (_, number) => ({
  original: { source: CLIENT, destination: SERVER, protocol: 6, layer4: ports(30_000 + number, 443) },
  reply: { source: SERVER, destination: GATEWAY, protocol: 6, layer4: ports(443, 20_000 + number) },
  status: IPS_SEEN_REPLY | IPS_ASSURED,
  timeoutSeconds: 3_600,
  zone: 0,
  zoneDirection: 'both',
  mark: 0,
  tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
  sctp: null,
  helper: null,
  labels: null,
  counters: null,
  master: null,
  shifts: null,
}));
