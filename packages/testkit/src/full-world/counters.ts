// SPDX-License-Identifier: Apache-2.0

/** Writes that were acknowledged, of each function from its start on, wherever its state went since. */
export class Counters {
  readonly #acknowledged = new Map<number, number>();

  /** A function starts without state; gives the name of its count. */
  begin(): number {
    const origin = this.#acknowledged.size + 1;
    this.#acknowledged.set(origin, 0);
    return origin;
  }

  acknowledged(origin: number): number {
    return this.#acknowledged.get(origin) ?? 0;
  }

  acknowledge(origin: number, count: number): void {
    this.#acknowledged.set(origin, count);
  }
}
