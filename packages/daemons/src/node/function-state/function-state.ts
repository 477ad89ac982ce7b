// SPDX-License-Identifier: Apache-2.0
import type { StateKind } from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import type { StateSource } from '../slot-state/state-source.ts';
import type { FunctionSessions } from './moved-state.ts';

/**
 * How an agent talks of state with a function that it runs; by a socket or by hooks. Every call ends within a bound
 * and fails with `FunctionStateError`; one that was made while another of its kind is under way is refused as `busy`.
 * What fails changes nothing at the other side of a transfer: the function keeps what it had.
 */
export interface FunctionState {
  /** What the octets of the state are; null when nobody said. */
  readonly format: string | null;
  /** Octets of a delta that a second brings about, by the function's own word; null when it said nothing. */
  readonly changeRate: number | null;
  /** Sessions in the parts of a transfer of all its state; absent or null: they are not counted. */
  readonly movedSessions?: number | null;
  /** Single sessions of it; absent or null: they cannot be moved, or it did not say yet that they can. */
  readonly movableSessions?: FunctionSessions | null;
  /** State that it shares while it holds a slot; absent or null: it does not, or it did not say yet that it does. */
  readonly source?: StateSource | null;
  /** The same where it is the kernel's connections: which they are the addresses of the slot say. */
  readonly connections?: { of(slot: string, addresses: readonly string[]): StateSource };
  /** The mergeable state that it takes part in may be another now. */
  mergeAnew?(): void;
  /** To be put into the environment of the function. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder that the function must reach, where its context says; absent or null: none. */
  readonly folder?: string | null;

  /** Tells the function what it is now. A function that connects later, or again, is told at once. */
  role(role: Role, epoch: string): Promise<void>;
  /**
   * Takes state from the function: `write` gets its octets, which are good until it resolves, and holds it back until
   * then. Complete only when this resolves. A `delta` is what has changed since the beginning of the export before; after one that failed it
   * is refused as `out-of-sequence`.
   */
  export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }>;
  /** Gives state to the function. What was not complete, or was not confirmed, was not taken in. */
  import(kind: StateKind, chunks: StateChunks, signal: AbortSignal): Promise<void>;
  /** The state changes no more once this resolves, until `resume`. */
  quiesce(signal: AbortSignal): Promise<void>;
  /** Goes on, and ends the tracking of changes. Does no harm to a function that is not quiesced. */
  resume(): Promise<void>;
  /** Throws away what was imported. */
  discard(): Promise<void>;
  /** Ends what is under way with `closed`. @param isLeft the function lives on, and the next agent comes to `folder` */
  close(isLeft?: boolean): Promise<void>;
}

/** Octets for a function, as they come. */
export interface StateChunks extends AsyncIterable<Uint8Array> {
  /** One more that is here already, without waiting; so several can go at once. */
  readonly more?: () => Uint8Array | undefined;
}

/** Bounds, all with defaults. */
export interface FunctionStateLimits {
  /** Until a function is connected, and until it has answered what needs no octets; default 5 s. */
  readonly answerMs: number;
  /** Without an octet of a transfer, while the function has the turn; default 10 s. */
  readonly stallMs: number;
  /** From the last octet of an import to the function's answer; default 60 s. */
  readonly applyMs: number;
  /** Octets of one export or import; default 4 GiB. */
  readonly bytesMax: number;
}

export const functionStateLimits: FunctionStateLimits = {
  answerMs: 5_000,
  stallMs: 10_000,
  applyMs: 60_000,
  bytesMax: 4 * 1024 ** 3,
};

/**
 * - `unsupported`: there is no hook for this
 * - `not-connected`: the function has not connected in time
 * - `not-answered`: it was asked, and did not answer or moved no octet in time
 * - `refused`: it said no, or its hook failed; the message has its words
 * - `protocol`: it said what cannot be understood, or too much
 * - `ended`: its connection, or its octets, ended in the middle
 * - `too-large`: more octets than the bound
 * - `storage`: our disk failed
 * - `busy`: too much is under way
 * - `out-of-sequence`: a delta without a snapshot before it, or after a transfer that failed, `resume`, `discard`, or
 *   a new connection: begin with a snapshot
 * - `aborted`: the caller's signal; `cause` is its reason
 * - `closed`: `close` was called
 */
export type FunctionStateErrorCode =
  | 'unsupported'
  | 'not-connected'
  | 'not-answered'
  | 'refused'
  | 'protocol'
  | 'ended'
  | 'too-large'
  | 'storage'
  | 'busy'
  | 'out-of-sequence'
  | 'aborted'
  | 'closed';

export class FunctionStateError extends Error {
  override readonly name: string = 'FunctionStateError';
  readonly code: FunctionStateErrorCode;

  constructor(code: FunctionStateErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Why a signal was raised: our own error as it is, anything else as `aborted`. */
export function abortError({ reason }: AbortSignal): FunctionStateError {
  return reason instanceof FunctionStateError
    ? reason
    : new FunctionStateError('aborted', 'given up by the caller', reason);
}
