// SPDX-License-Identifier: Apache-2.0

/** The kernel's rule of its one-minute load: an old value loses 1/e of its weight in a minute. */
const MINUTE_MS = 60_000;

/** An average over about the last minute, of values that come at any pace. */
export class RunningAverage {
  #value: number | null;

  /** @param start what the average rises or falls from; default: the first value */
  constructor(start: number | null = null) {
    this.#value = start;
  }

  /** @param spanMs time that the value stands for */
  add(value: number, spanMs: number): void {
    if (this.#value === null) this.#value = value;
    else this.#value = value + (this.#value - value) * Math.exp(-spanMs / MINUTE_MS);
  }

  /** Null: nothing came yet. */
  get value(): number | null {
    return this.#value;
  }
}

/** Growth per second of a counter that only rises. */
export class Rate {
  #last: { readonly count: number; readonly atMs: number } | null = null;
  /** Null: not two values yet, or the counter began anew. */
  perSecond: number | null = null;

  /** @returns the time since the value before, ms; 0 at the first */
  take(count: number, atMs: number): number {
    const last = this.#last;
    this.#last = { count, atMs };
    if (last === null || atMs <= last.atMs || count < last.count) {
      this.perSecond = null;
      return 0;
    }
    this.perSecond = ((count - last.count) * 1_000) / (atMs - last.atMs);
    return atMs - last.atMs;
  }
}
