// SPDX-License-Identifier: Apache-2.0

/** How late a loop was in the last minutes, in ms. */
export interface Stalls {
  /** 99 of 100 wake-ups were this late or less; rounded up to a step of the histogram. */
  readonly p99Ms: number;
  readonly maxMs: number;
}

const MINUTE_MS = 60_000;
/** Minutes that are remembered, the present one included. */
const MINUTES = 5;
/** Upper bounds of the steps: each is a half more than the one before, from 0.25 ms to some 20 s. */
const STEPS_MS: readonly number[] = Array.from({ length: 29 }, (_, step) => 0.25 * 1.5 ** step);

/** One minute. */
interface Page {
  minute: number;
  readonly counts: Uint32Array;
  maxMs: number;
}

/** A histogram of lateness over the last five minutes: five pages of fixed size, the oldest is written over. */
export class Lateness {
  readonly #pages: readonly Page[] = Array.from({ length: MINUTES }, () => ({
    minute: Number.NEGATIVE_INFINITY,
    counts: new Uint32Array(STEPS_MS.length + 1),
    maxMs: 0,
  }));

  add(lateMs: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const page = this.#pages[((minute % MINUTES) + MINUTES) % MINUTES] as Page;
    if (page.minute !== minute) {
      page.minute = minute;
      page.counts.fill(0);
      page.maxMs = 0;
    }
    const step = STEPS_MS.findIndex((boundMs) => lateMs <= boundMs);
    const at = step < 0 ? STEPS_MS.length : step;
    page.counts[at] = (page.counts[at] ?? 0) + 1;
    page.maxMs = Math.max(page.maxMs, lateMs);
  }

  /** Undefined while nothing was measured. */
  summary(nowMs: number): Stalls | undefined {
    const oldest = Math.floor(nowMs / MINUTE_MS) - MINUTES + 1;
    const pages = this.#pages.filter(({ minute }) => minute >= oldest);
    const counts = Array.from({ length: STEPS_MS.length + 1 }, (_, at) =>
      pages.reduce((sum, page) => sum + (page.counts[at] ?? 0), 0),
    );
    const all = counts.reduce((sum, count) => sum + count, 0);
    if (all === 0) return undefined;
    const maxMs = Math.max(...pages.map((page) => page.maxMs));
    let left = Math.ceil(all * 0.99);
    const at = counts.findIndex((count) => (left -= count) <= 0);
    return { p99Ms: Math.min(STEPS_MS[at] ?? maxMs, maxMs), maxMs };
  }
}
