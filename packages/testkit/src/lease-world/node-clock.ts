// SPDX-License-Identifier: Apache-2.0
import type { SeededRandom } from './seeded-random.ts';

/** A rate a little less than half the bound away at most, so that each pair stays within it; often at an end. */
export function drawRate(random: SeededRandom, driftBound: number): number {
  return 1 + random.pick([-0.48, 0.48, random.between(-0.48, 0.48)]) * driftBound;
}

/** One machine's clocks over true time: CLOCK_BOOTTIME at its own rate, which may change, and a wall clock that may be stepped. */
export class NodeClock {
  #rate: number;
  #bootOffsetMs: number;
  #wallOffsetMs: number;

  constructor(rate: number, bootOffsetMs: number, wallOffsetMs: number) {
    this.#rate = rate;
    this.#bootOffsetMs = bootOffsetMs;
    this.#wallOffsetMs = wallOffsetMs;
  }

  bootMs(trueMs: number): number {
    return this.#bootOffsetMs + trueMs * this.#rate;
  }

  wallMs(trueMs: number): number {
    return this.#wallOffsetMs + trueMs * this.#rate;
  }

  /** The true time at which CLOCK_BOOTTIME shows `bootMs`. */
  trueMs(bootMs: number): number {
    return (bootMs - this.#bootOffsetMs) / this.#rate;
  }

  /** From the moment `trueMs` on; what the clocks show then stays. */
  changeRate(rate: number, trueMs: number): void {
    const changeMs = trueMs * (this.#rate - rate);
    this.#bootOffsetMs += changeMs;
    this.#wallOffsetMs += changeMs;
    this.#rate = rate;
  }

  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
