// SPDX-License-Identifier: Apache-2.0
import { PoolError } from '../pool-error.ts';

interface Unsettled {
  sequence: number;
  readonly weight: number;
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

/** Changes whose effect may not be let out yet, in order, and bounded. */
export class UnsettledChanges {
  readonly #countMax: number;
  readonly #weightMax: number;
  #changes: Unsettled[] = [];
  #weight = 0;

  constructor(countMax: number, weightMax: number) {
    this.#countMax = countMax;
    this.#weightMax = weightMax;
  }

  get count(): number {
    return this.#changes.length;
  }

  /** Number of the last of them; 0: there is none. */
  get last(): number {
    return this.#changes.at(-1)?.sequence ?? 0;
  }

  /** @throws PoolError `overloaded` when a change more would be too much */
  checkRoom(weight: number): void {
    if (this.#changes.length >= this.#countMax || this.#weight + weight > this.#weightMax)
      throw new PoolError('overloaded', `${this.#changes.length} changes wait until they are safe`);
  }

  /** @param sequence of the change; infinity: it has none yet, see `renumber` */
  wait(sequence: number, weight: number): Promise<void> {
    this.#weight += weight;
    return new Promise((settle, fail) => {
      this.#changes.push({ sequence, weight, settle, fail });
    });
  }

  /** All that wait are part of what has this number. */
  renumber(sequence: number): void {
    for (const change of this.#changes) change.sequence = sequence;
  }

  settle(sequence: number): void {
    let done = 0;
    for (const change of this.#changes) {
      if (change.sequence > sequence) break;
      this.#weight -= change.weight;
      done += 1;
    }
    for (const { settle } of this.#changes.splice(0, done)) settle();
  }

  fail(error: Error): void {
    const failed = this.#changes;
    this.#changes = [];
    this.#weight = 0;
    for (const { fail } of failed) fail(error);
  }
}
