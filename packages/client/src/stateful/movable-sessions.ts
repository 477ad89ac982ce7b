// SPDX-License-Identifier: Apache-2.0
import type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';

/**
 * Sessions that can go to another instance one by one, while the others stay. `TrackedSessions` is one, over a
 * `TrackedMap`; write your own for any other. A function takes part in one transfer at a time.
 *
 * At the source: `select`, then `export` snapshot and deltas while all are served, `quiesce`, `export` last, and in the end
 * either `moved` or `resume`. At the destination: `expect`, `import` of each part, and in the end either `accept` or
 * `discard`. A selected session has one owner at each moment: the source until it answers `quiesce`, and again from
 * `resume` on; the destination from `accept` on.
 */
export interface MovableSessions {
  /** Sessions that are served here now; those that were selected count until `moved`. Told to the agent. */
  readonly count: number;

  /**
   * Fixes which sessions the calls that follow are about, in place of any selection before, and says how many they
   * are. Sessions that begin later do not belong to it; those that end leave it. `chosenCount` does the rounding.
   */
  select(selection: readonly SessionSelector[], signal: AbortSignal): number | Promise<number>;
  /** As `MovableState.export`, of the selected sessions; one that has ended is in the next delta as ended. */
  export(kind: StateKind, signal: AbortSignal): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** How many of the selected there are now, in the parts given so far; the destination must count as many. */
  readonly selectedCount: number;
  /** Lets changes of selected sessions end, holds others back, and then resolves. */
  quiesce(signal: AbortSignal): void | Promise<void>;
  /** The selection is over and all of it is served here: the move failed, or nothing was selected. May come without `quiesce`. */
  resume(): void | Promise<void>;
  /**
   * The selection is over and owned elsewhere: forget these sessions, and send what comes for them to `forward`, where
   * the other instance takes it; null: it takes nothing from us. May be asked again.
   */
  moved(forward: SessionForward | null): void | Promise<void>;

  /**
   * Sessions may come. Says where packets of sessions that were served elsewhere before are taken; null: nowhere.
   * Absent: nowhere.
   */
  expect?(signal: AbortSignal): SessionForward | null | Promise<SessionForward | null>;
  /** As `MovableState.import`, kept aside: nothing of it is served before `accept`. Says how many it has in all parts. */
  import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number>;
  /** Serves what was imported from now on, all of it or, by throwing, nothing. May be asked again. */
  accept(): number | Promise<number>;
  /** Throws away what was imported and not accepted. */
  discard(): void | Promise<void>;
}
