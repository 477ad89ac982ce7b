// SPDX-License-Identifier: Apache-2.0
import type { WorldPlan } from './options.ts';
import type { SeededRandom } from './seeded-random.ts';

/**
 * A rate a little less than half the bound away at most, so that each pair stays within it; where clocks are judged, so
 * little that all are near the median. Often at an end.
 */
export function drawRate(random: SeededRandom, { driftBound, creep }: WorldPlan): number {
  const most = creep === 0 ? 0.48 : 0.15;
  return 1 + random.pick([-most, most, random.between(-most, most)]) * driftBound;
}

/** One machine's clocks over true time: CLOCK_BOOTTIME at its own rate, which may change, and a wall clock that may be stepped. */
export class NodeClock {
  #rate: number;
  #bootOffsetMs: number;
  #wallOffsetMs: number;

  constructor(rate: number, bootOffsetMs: number, wallOffsetMs: number) {
    this.#rate = rate;
    this.#bootOffsetMs = bootOffsetMs;
    // The wall clock goes with the other one, but for its steps.
    this.#wallOffsetMs = wallOffsetMs - bootOffsetMs;
  }

  get rate(): number {
    return this.#rate;
  }

  bootMs(trueMs: number): number {
    return this.#bootOffsetMs + trueMs * this.#rate;
  }

  wallMs(trueMs: number): number {
    return this.#wallOffsetMs + this.bootMs(trueMs);
  }

  /** The true time at which CLOCK_BOOTTIME shows `bootMs`. */
  trueMs(bootMs: number): number {
    return (bootMs - this.#bootOffsetMs) / this.#rate;
  }

  /** From the moment `trueMs` on; what the clocks show then stays. */
  changeRate(rate: number, trueMs: number): void {
    this.#bootOffsetMs += trueMs * (this.#rate - rate);
    this.#rate = rate;
  }

  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
