// SPDX-License-Identifier: Apache-2.0
import type { Standby } from './mechanism.ts';

/** What a process of a run is; in its environment, as JSON. */
export interface ChildTask {
  readonly mechanism: string;
  /** 0: the holder; standbys count from 1; below 0: what lies between them. */
  readonly number: number;
  readonly folder: string;
  /** Hexadecimal. */
  readonly secret: string;
}

export const CHILD_TASK = 'VNFPOOL_EVALUATE_TASK';

/** To a process of a run, over its channel; each is answered by one {@link ChildWord} of the same type. */
export type Order =
  /** To standbys: these are the others. To the holder: these are the standbys; it begins. */
  | { readonly type: 'meet'; readonly standbys: readonly Standby[] }
  | { readonly type: 'measure' }
  /** To what lies between them: these ports are to be reached by way of it. */
  | { readonly type: 'link'; readonly ports: readonly number[]; readonly delayMs: number }
  /** To a standby: the holder is gone. */
  | { readonly type: 'take' }
  /** To a standby: what it has by now. */
  | { readonly type: 'report' };

/** Since the start of the process. */
export interface Meters {
  readonly cpuUs: number;
  /** Written to sockets, but not to clients. */
  readonly wireOctets: number;
  /** Written to clients for them to keep. */
  readonly cookieOctets: number;
  readonly fileOctets: number;
}

export type ChildWord =
  /** It listens: for clients, and if `port` is there for the holder. */
  | { readonly type: 'here'; readonly clients: number; readonly port?: number }
  | { readonly type: 'meet' }
  /** The ports to take instead. */
  | { readonly type: 'link'; readonly ports: readonly number[] }
  | ({ readonly type: 'measure' } & Meters)
  | { readonly type: 'take' }
  | {
      readonly type: 'report';
      /** Of each key, the request that wrote it. */
      readonly state: ReadonlyMap<string, number>;
      /** Times and positions in turn: since then it had everything up to there. */
      readonly reached: Float64Array;
      /** Requests and times in turn: since then it had what this one wrote. */
      readonly safe: Float64Array;
    }
  /** Of the holder, now and then: times and positions in turn, as of a `report`. */
  | { readonly type: 'reached'; readonly reached: Float64Array }
  /** Something happened that people want to know. */
  | { readonly type: 'happened'; readonly what: string }
  | { readonly type: 'failed'; readonly message: string };
