// SPDX-License-Identifier: Apache-2.0

/** One machine's clocks over true time: CLOCK_BOOTTIME at its own rate, and a wall clock that may be stepped. */
export class NodeClock {
  readonly #rate: number;
  readonly #bootOffsetMs: number;
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

  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
