// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@vnfpool/core';
import {
  type DigestsView,
  GossipCore,
  type GossipEvent,
  type GossipInput,
  type GossipOutput,
  type MergeableState,
  type Refusal,
  type Update,
} from '@vnfpool/core/gossip';
import { encodeGossip, type GossipMessage, REPLICAS_MAX } from '@vnfpool/wire/gossip';
import type { MergeableDigests, MergeableReport } from '@vnfpool/wire/mobility';
import { type Clock, CoreDriver, type DriverFault } from '../driver/index.ts';

export interface PoolReplicaOptions {
  readonly pool: string;
  /** Node ID of this node. */
  readonly origin: number;
  /** Larger than in every life of this node's agent before. */
  readonly incarnation: bigint;
  readonly random: Random;
  readonly clock: Clock;
  /** Milliseconds since 1970, for the times of registers. */
  readonly wallMs: () => number;
  /** What cannot be sent is lost, and comes again. */
  readonly send: (to: number, message: Uint8Array) => void;
  readonly onEvent: (event: Exclude<GossipEvent, { readonly type: 'refused' | 'not-forgotten' }>) => void;
  /** A programmer's error: nothing more is kept. */
  readonly onFault: (fault: DriverFault) => void;
  /** Between two rounds; default 200 ms. */
  readonly intervalMs?: number;
}

/** Told of keys that may have changed, by whomever. */
export type KeysListener = (keys: readonly Uint8Array[]) => void;

/** So long it is tried to take from peers what is damaged here, before it is told that none of them has it. */
const MENDING_MS = 5_000;
/** Characters of a key that are told. */
const KEY_TEXT_MAX = 64;
/** So long a message that was not taken is told. */
const OVERFLOW_MS = 10_000;

/** The mergeable state of a pool as one node has it; all instances of the pool there share it. */
export class PoolReplica {
  readonly pool: string;
  readonly #options: PoolReplicaOptions;
  readonly #core: GossipCore;
  readonly #driver: CoreDriver<GossipInput, GossipOutput>;
  readonly #listeners = new Set<KeysListener>();
  /** Waits for peers to know everything. */
  readonly #looks = new Set<() => void>();
  /** When each peer was met. */
  readonly #metAtMs = new Map<number, number>();
  #peersLeftOut = false;
  #overflowAtMs = Number.NEGATIVE_INFINITY;
  #overflowFrom = 0;
  #damagedAtMs = Number.NEGATIVE_INFINITY;
  #refusal: Refusal | null = null;
  #isClosed = false;

  constructor(options: PoolReplicaOptions) {
    const { pool, origin, incarnation, random, clock, intervalMs, send, onFault } = options;
    this.pool = pool;
    this.#options = options;
    this.#core = new GossipCore({
      origin,
      incarnation,
      random,
      ...(intervalMs === undefined ? {} : { intervalMs }),
    });
    this.#driver = new CoreDriver<GossipInput, GossipOutput>({
      core: this.#core,
      clock,
      inputsMax: 65_536,
      effects: {
        send: ({ to, message }) => send(to, encodeGossip(message)),
        changed: ({ keys }) => {
          for (const listener of this.#listeners) listener(keys);
        },
        event: ({ event }) => this.#note(event),
      },
      onFault,
    });
  }

  /** To be read only. */
  get state(): MergeableState {
    return this.#core.state;
  }

  /** Nodes with whom the state is kept; all of them, each time. */
  meet(nodes: readonly number[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const node of this.#metAtMs.keys()) if (!nodes.includes(node)) this.#metAtMs.delete(node);
    for (const node of nodes) if (!this.#metAtMs.has(node)) this.#metAtMs.set(node, nowMs);
    this.#peersLeftOut = false;
    this.#driver.submit({ type: 'peers', origins: nodes });
  }

  hear(from: number, message: GossipMessage): void {
    this.#driver.submit({ type: 'message', from, message });
    for (const look of this.#looks) look();
  }

  /** Null: it is made. `closed`: not any more here. */
  update(update: Update): Refusal | 'closed' | null {
    if (this.#isClosed) return 'closed';
    this.#refusal = null;
    this.#driver.submit({ type: 'update', update, wallMs: this.#options.wallMs() });
    return this.#refusal;
  }

  /** @returns how to hear no more */
  watch(listener: KeysListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get report(): MergeableReport {
    const nowMs = this.#options.clock.nowMs();
    const { state } = this.#core;
    return {
      pool: this.pool,
      cells: state.cellCount,
      bytes: state.octets,
      replicas: state.vector.size,
      steps: [...state.vector.values()].reduce((all, version) => all + version, 0),
      damaged: state.damagedCount,
      trouble: this.#trouble(nowMs),
      peers: this.#core.lags(nowMs).map(({ origin, sinceExchangeMs, ...lag }) => ({
        node: origin,
        behind: lag.versionsBehind,
        behindBytes: lag.octetsBehind,
        behindMs: wholeSeconds(lag.behindMs),
        silentMs: wholeSeconds(sinceExchangeMs ?? nowMs - (this.#metAtMs.get(origin) ?? nowMs)),
        digests: digestsOf(lag.digests),
      })),
    };
  }

  /** Every peer is known to know all that is known here. */
  get isSpread(): boolean {
    return this.#core.isSpread;
  }

  /** Resolves when every peer is known to know all that is known here, or after so long: whether they do. */
  spread(withinMs: number): Promise<boolean> {
    const { clock } = this.#options;
    if (this.isSpread) return Promise.resolve(true);
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.isSpread) end(true);
      };
      const cancel = clock.at(clock.nowMs() + withinMs, () => end(false));
      const end = (isIt: boolean): void => {
        cancel();
        this.#looks.delete(look);
        resolve(isIt);
      };
      this.#looks.add(look);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#driver.stop();
  }

  #note(event: GossipEvent): void {
    if (event.type === 'refused') {
      this.#refusal = event.reason;
      return;
    }
    // Nobody asks for it here.
    if (event.type === 'not-forgotten') return;
    if (event.type === 'overflow') {
      this.#overflowAtMs = this.#options.clock.nowMs();
      this.#overflowFrom = event.from;
    } else if (event.type === 'too-many-peers') this.#peersLeftOut = true;
    else if (event.type === 'damaged') this.#damagedAtMs = this.#options.clock.nowMs();
    this.#options.onEvent(event);
  }

  #trouble(nowMs: number): string {
    const { retired, vector } = this.#core.state;
    if (retired !== null)
      return `this node changes nothing any more (${retired}): its agent has to be started again`;
    if (nowMs - this.#overflowAtMs < OVERFLOW_MS)
      return `what node ${this.#overflowFrom} has is not taken: more than twice what may be kept, or more than ${REPLICAS_MAX} lives of nodes`;
    const [first, ...others] = this.#core.state.damaged;
    if (first !== undefined && nowMs - this.#damagedAtMs >= MENDING_MS)
      return `its memory of ${others.length === 0 ? '1 piece' : `${others.length + 1} pieces`} is damaged, and nobody else has all of it (the first is of key ${JSON.stringify(keyText(first.key))}): write or remove it there`;
    if (vector.size >= REPLICAS_MAX)
      return `${REPLICAS_MAX} lives of nodes have left something: changes of a further one are refused`;
    return this.#peersLeftOut ? 'more nodes than are spoken to' : '';
  }
}

function keyText(key: Uint8Array): string {
  return new TextDecoder().decode(key).slice(0, KEY_TEXT_MAX);
}

function digestsOf({ differed, sinceAgreedMs, isDiffering }: DigestsView): MergeableDigests {
  return { differed, agreedMs: sinceAgreedMs === null ? null : wholeSeconds(sinceAgreedMs), isDiffering };
}

/** What is not a second is nothing: else the report would change with each look. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
