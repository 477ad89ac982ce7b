// SPDX-License-Identifier: Apache-2.0

/** A change that a mechanism is to carry. */
export interface Change {
  /** 1 to 1,024 characters U+0000 to U+00FF. */
  readonly key: string;
  /** Null: the key is removed; it was there. Not changed by anybody afterwards. */
  readonly value: Uint8Array | null;
}

/** Where it runs. */
export interface Place {
  /** A folder that all processes of one run share, empty at its start. */
  readonly folder: string;
  /** A secret that they share, 32 octets. */
  readonly secret: Uint8Array;
  /** Counts and names things that happened, for people: `left the list`. */
  readonly happened: (what: string) => void;
  /** 0: the holder; standbys count from 1. */
  readonly number: number;
}

/** A process that may go on with the state. */
export interface Standby {
  readonly host: string;
  readonly port: number;
}

/** The end at the function that serves. */
export interface HolderEnd {
  /**
   * Takes a change, in the order in which they are made. What it brought about may leave when the promise settles, with these octets
   * for the client to keep; no promise: at once. @throws Error (also by the promise) when the change is refused
   */
  carry(change: Change): undefined | Uint8Array | Promise<undefined | Uint8Array>;
  /** Number of the change that was given last by the mechanism's own count, as a standby tells it by `reached`. */
  readonly position: number;
  /** Octets written to files so far. */
  readonly fileOctets?: number;
}

/** The end at a process that may go on. */
export interface StandbyEnd {
  /** Where the holder finds it; absent: they do not speak to each other. */
  readonly port?: number;
  /** Other standbys of the run, once all are there. */
  meet?(others: readonly Standby[]): Promise<void>;
  /** The holder is gone: all that this one goes on with. */
  takeOver(): Promise<Iterable<readonly [key: string, value: Uint8Array]>>;
  /** Where the state is elsewhere than in the function: what is there by now, of each key the request that wrote it. */
  state?(): Iterable<readonly [key: string, number: number]>;
  /** Where changes do not come in their order, in place of `reached`: requests that wrote, and since when that was here. */
  safe?(): Iterable<readonly [number: number, atMs: number]>;
  /** The state of a key that its client brought. @throws Error for what is none */
  open?(key: string, cookie: Uint8Array): Uint8Array;
}

export type Method = 'none' | 'cookie' | 'checkpoint' | 'replicate' | 'gossip' | 'shared' | 'conntrack';

/**
 * One way of sharing state. To add one: a file in `mechanisms/` and its place in `mechanisms/index.ts`.
 *
 * What it promises stands here and is not measured: that a bound held in one run says nothing of the next one.
 */
export interface Mechanism {
  /** `replicate held`. */
  readonly name: string;
  readonly method: Method;
  /** Standby processes. */
  readonly standbys: number;
  /** What a failover loses at the worst of what was let out: nothing, so much, more than can be said, all. */
  readonly loses: 'nothing' | 'bounded' | 'unbounded' | 'everything';
  /** Whether the state is there when every process is gone at once. */
  readonly survivesAll: boolean;
  /** What has to be there besides nodes; null: nothing. */
  readonly needs: string | null;
  /** Lines below `sharing:` in a pool's declaration; null: node agents do not carry it out yet. */
  readonly sharing: string | null;
  /** Octets of a value at most, with the four of its number. */
  readonly valueOctetsMax?: number;
  /** Why it cannot be had here, or for this workload; null: it can. */
  whyNot?(workload: string): string | null;
  /** Whether the next holder gets the state when a client comes, from that client. */
  readonly isByClients?: boolean;
  standby?(place: Place, reached: (position: number) => void): Promise<StandbyEnd>;
  /**
   * Resolves when everything is in place to carry changes.
   * @param reached For those whose place no standby watches, a store: it has everything up to here.
   */
  holder(place: Place, standbys: readonly Standby[], reached: (position: number) => void): Promise<HolderEnd>;
}
