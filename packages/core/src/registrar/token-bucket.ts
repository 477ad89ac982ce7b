// SPDX-License-Identifier: Apache-2.0

export interface RateLimit {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

/** Lets `burst` through at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #updatedMs: number;
  #isEmpty = false;

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#updatedMs = nowMs;
  }

  /** Takes one token; false: there is none. `onEmpty` is called at the first of several refusals in a row. */
  take(nowMs: number, onEmpty?: () => void): boolean {
    const earned = ((nowMs - this.#updatedMs) * this.#limit.perSecond) / 1000;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + Math.max(0, earned));
    this.#updatedMs = Math.max(this.#updatedMs, nowMs);
    if (this.#tokens < 1) {
      if (!this.#isEmpty) onEmpty?.();
      this.#isEmpty = true;
      return false;
    }
    this.#isEmpty = false;
    this.#tokens -= 1;
    return true;
  }
}
