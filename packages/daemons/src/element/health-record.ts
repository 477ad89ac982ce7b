// SPDX-License-Identifier: Apache-2.0
import type { HealthResult } from '../health/health-check.ts';

/** How often in a row a check must say the same before it is believed. */
export interface Believed {
  /** Good ones, before it is healthy. */
  readonly rise: number;
  /** Bad ones, before it is not. */
  readonly fall: number;
}

/** What checks in a row come to: nothing is known before the first that are believed. */
export class HealthRecord {
  readonly #believed: Believed;
  #last: boolean | null = null;
  #run = 0;
  #healthy: boolean | null = null;

  constructor(believed: Believed) {
    this.#believed = believed;
  }

  /** Takes one result; returns what is believed from now on when that is new, else null. */
  take({ ok }: HealthResult): boolean | null {
    this.#run = ok === this.#last ? this.#run + 1 : 1;
    this.#last = ok;
    if (ok === this.#healthy || this.#run < (ok ? this.#believed.rise : this.#believed.fall)) return null;
    this.#healthy = ok;
    return ok;
  }
}
