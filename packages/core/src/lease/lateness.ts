// SPDX-License-Identifier: Apache-2.0

import type { StallReport } from '@vnfpool/wire/mobility';

const MINUTE_MS = 60_000;
/** Minutes that are remembered, the present one included. */
const MINUTES = 5;
/** Upper bounds of the steps. */
const STEPS_MS: readonly number[] = [
  0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 100, 150, 200, 300, 500, 800, 1_000, 2_000, 5_000, 10_000,
  60_000,
];

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

  /** Rounded up to steps of the histogram, so that it changes seldom; undefined while nothing was measured. */
  summary(nowMs: number): StallReport | undefined {
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
    return { p99Ms: STEPS_MS[at] ?? maxMs, maxMs: STEPS_MS.find((boundMs) => maxMs <= boundMs) ?? maxMs };
  }
}
