// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../core.ts';

const FIRST_MS = 100;
const MAX_MS = 10_000;

/** Waiting times between attempts: none, then 100 ms doubling to 10 s, each shortened by up to half at random. */
export class Backoff {
  readonly #random: Random;
  #attempts = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): number {
    const step = this.#attempts++;
    if (step === 0) return 0;
    const fullMs = Math.min(MAX_MS, FIRST_MS * 2 ** (step - 1));
    return fullMs * (1 - this.#random.fraction() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
