// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';

/** A clock for tests: it stands still until it is moved. */
export class StillClock implements Clock {
  #nowMs = 0;
  readonly #waiting = new Set<{ readonly atMs: number; readonly run: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, run: () => void): () => void {
    const entry = { atMs, run };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** Time passes, and what is due runs. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const entry of Array.from(this.#waiting)) {
      if (entry.atMs > this.#nowMs || !this.#waiting.delete(entry)) continue;
      entry.run();
    }
  }

  /** As if the process had not run: what is due comes behind whatever else waits. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }
}
