// SPDX-License-Identifier: Apache-2.0

/*
 * What a function and its node agent say to each other of mergeable state, over a data socket of the function's: our own, version 1.
 * Described for authors of functions in docs/function-socket.md.
 */

/** One thing that the function asks for. Keys, values and elements: at most 1,024 octets. */
export type MergeRequest =
  /** By a whole number, also below 0. */
  | { readonly type: 'count'; readonly key: Uint8Array; readonly by: number }
  /** The register's new value. */
  | { readonly type: 'write'; readonly key: Uint8Array; readonly value: Uint8Array }
  /** Into, and out of, the key's set. */
  | { readonly type: 'add'; readonly key: Uint8Array; readonly element: Uint8Array }
  | { readonly type: 'discard'; readonly key: Uint8Array; readonly element: Uint8Array }
  /** Register, counter and set of the key. */
  | { readonly type: 'remove'; readonly key: Uint8Array }
  /** Changes nothing: what the key has is told. */
  | { readonly type: 'read'; readonly key: Uint8Array };

/** What a key has, or a part of it: a large set comes in several, one after the other. */
export interface MergeKey {
  readonly key: Uint8Array;
  /** What was known of the key counts no more. */
  readonly isFirst: boolean;
  /** With this part it is all there. */
  readonly isLast: boolean;
  /** Null: nobody counts there, or it comes in another part. */
  readonly counter: number | null;
  readonly register: Uint8Array | null;
  readonly elements: readonly Uint8Array[];
}

/** Why a request was not carried out; nothing of it was done. `closed`: the pool's state is not kept here any more. */
export type MergeRefusal =
  | 'cells'
  | 'octets'
  | 'replicas'
  | 'value'
  | 'clock'
  | 'gone'
  | 'incarnation'
  | 'closed';

export type MergeMessage =
  /** Of the function: requests, numbered 1, 2, 3, … in each connection; `first` is the number of the first one. */
  | { readonly type: 'requests'; readonly first: number; readonly requests: readonly MergeRequest[] }
  /** Of the agent: keys as they are now; one that has nothing is no more. */
  | { readonly type: 'keys'; readonly keys: readonly MergeKey[] }
  /** Of the agent: requests up to this number are carried out, but for those that were refused; what they changed was told before. 0: all that there was has been told. */
  | { readonly type: 'done'; readonly number: number }
  /** Of the agent, before the `done` that comes up to it. */
  | { readonly type: 'refused'; readonly number: number; readonly reason: MergeRefusal };

/** Longest frame, with its length. */
export const MERGE_FRAME_BYTES_MAX = 131_072;
