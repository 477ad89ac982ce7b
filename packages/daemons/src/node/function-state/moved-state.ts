// SPDX-License-Identifier: Apache-2.0
import type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';

/** What a transfer asks a function for: about all that it has, or about some sessions. Calls as in `FunctionState`. */
export interface MovedState {
  /** Octets of a delta that a second brings about; null: to be measured. */
  readonly changeRate: number | null;
  /** Sessions in the parts of the export or import under way, by the function's word; absent or null: it does not count. */
  readonly movedSessions?: number | null;
  export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }>;
  import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  quiesce(signal: AbortSignal): Promise<void>;
  resume(): Promise<void>;
  discard(): Promise<void>;
}

/** Single sessions of a function; what is inherited is about those that were selected, or are expected. */
export interface FunctionSessions extends MovedState {
  /** At the source: fixes which sessions are meant; says how many they are. */
  select(sessions: readonly SessionSelector[], signal: AbortSignal): Promise<number>;
  /** At the source: another instance owns them, and takes their packets at `forward`; null: nowhere. May be asked again. */
  moved(forward: SessionForward | null): Promise<void>;
  /** At the destination: sessions may come. Says where their packets are taken; null: nowhere. */
  expect(signal: AbortSignal): Promise<SessionForward | null>;
  /** At the destination: it owns what came; says how many, null: it does not count. May be asked again. */
  accept(): Promise<number | null>;
}
