// SPDX-License-Identifier: Apache-2.0
import type { StallReport } from '@vnfpool/wire/mobility';
import { Lateness } from './lateness.ts';
import { stallMs, watchMs } from './timing.ts';

/**
 * Whether this node's own loop was late. Only who wanted to be called can be late, so it always wants to, soon: a node
 * that waits for a lease to run out would else take its own pause for the holder's death.
 */
export class Watch {
  readonly #lateness = new Lateness();
  /** Of the slots that this node takes part in; infinite: there are none, and nothing is watched. */
  shortestLeaseMs: number = Number.POSITIVE_INFINITY;
  #dueMs: number | undefined;
  #lastCallMs = 0;

  /** Takes the next deadline there is, and gives the one to be called at. */
  arm(nextMs: number | undefined): number | undefined {
    const watchAtMs = this.#lastCallMs + watchMs(this.shortestLeaseMs);
    const isWatched = this.shortestLeaseMs !== Number.POSITIVE_INFINITY;
    const dueMs = isWatched ? Math.min(nextMs ?? Number.POSITIVE_INFINITY, watchAtMs) : nextMs;
    // What was due before it was known is not late.
    this.#dueMs = dueMs === undefined ? undefined : Math.max(dueMs, this.#lastCallMs);
    return dueMs;
  }

  /** To be asked first at every call; how late it comes, if that is a stall for any slot. */
  lateMs(nowMs: number): number | undefined {
    const dueMs = this.#dueMs;
    this.#dueMs = undefined;
    this.#lastCallMs = nowMs;
    if (dueMs === undefined || nowMs < dueMs) return undefined;
    const lateMs = nowMs - dueMs;
    this.#lateness.add(lateMs, nowMs);
    return lateMs > stallMs(this.shortestLeaseMs) ? lateMs : undefined;
  }

  stalls(nowMs: number): StallReport | undefined {
    return this.#lateness.summary(nowMs);
  }
}
