// SPDX-License-Identifier: Apache-2.0
import type { StateKind } from '@vnfpool/wire/function-socket';

/** State that can go from one instance of a function to another. `TrackedMap` is one; write your own for any other. */
export interface MovableState {
  /** What its octets are, 1 to 64 printable ASCII characters; both sides must say the same. */
  readonly format?: string;
  /**
   * Octets of the state, in pieces of any size. `snapshot`: all of it, while it may change; changes are tracked from
   * its beginning on. `delta`: what has changed since the beginning of the export before. `last`: the same, while
   * the function is quiesced. Left in the middle (`return`) when the transfer fails.
   */
  export(kind: StateKind, signal: AbortSignal): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /**
   * Takes octets in, all or nothing: `chunks` throws when the transfer breaks off, so apply after its end, or be
   * able to go back. A chunk is good until the next is asked for: copy what you keep. A `snapshot` replaces what is there.
   */
  import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Throws away what was imported. */
  discard(): void | Promise<void>;
  /** The transfer is over: changes need not be tracked any more. */
  release?(): void;
  /** Octets that a delta would have had for the changes since the last call; for the forecast of a move. */
  changedBytes?(): number;
}
