// SPDX-License-Identifier: Apache-2.0

/** From a true time on the clock runs at this rate. */
interface Stretch {
  readonly fromTrueMs: number;
  readonly fromBootMs: number;
  readonly rate: number;
}

/** One machine's clocks over true time: CLOCK_BOOTTIME at its own rate, and a wall clock that may be stepped. */
export class NodeClock {
  readonly #stretches: Stretch[];
  #wallOffsetMs: number;

  constructor(rate: number, bootOffsetMs: number, wallOffsetMs: number) {
    this.#stretches = [{ fromTrueMs: 0, fromBootMs: bootOffsetMs, rate }];
    // The wall clock goes with the other one, but for its steps.
    this.#wallOffsetMs = wallOffsetMs - bootOffsetMs;
  }

  /** From `fromTrueMs`, behind every stretch so far, the clock runs at this rate. */
  changeRate(fromTrueMs: number, rate: number): void {
    this.#stretches.push({ fromTrueMs, fromBootMs: this.bootMs(fromTrueMs), rate });
  }

  bootMs(trueMs: number): number {
    const { fromTrueMs, fromBootMs, rate } = this.#stretches.findLast(
      (stretch) => stretch.fromTrueMs <= trueMs,
    ) as Stretch;
    return fromBootMs + (trueMs - fromTrueMs) * rate;
  }

  wallMs(trueMs: number): number {
    return this.#wallOffsetMs + this.bootMs(trueMs);
  }

  /** The true time at which CLOCK_BOOTTIME shows `bootMs`. */
  trueMs(bootMs: number): number {
    const stretch = this.#stretches.findLast((each) => each.fromBootMs <= bootMs) ?? this.#stretches[0];
    const { fromTrueMs, fromBootMs, rate } = stretch as Stretch;
    return fromTrueMs + (bootMs - fromBootMs) / rate;
  }

  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
