// SPDX-License-Identifier: Apache-2.0

/**
 * Bounds how often an address may try. Each address has a bucket of `burst` tries that fills by `perSecond`.
 * The table is bounded: at the bound the address seen longest ago is forgotten, so a flood from many addresses
 * costs the attacker addresses and us nothing more.
 */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #addressesMax: number;
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(options: {
    readonly burst: number;
    readonly perSecond: number;
    readonly addressesMax?: number;
  }) {
    this.#burst = options.burst;
    this.#perSecond = options.perSecond;
    this.#addressesMax = options.addressesMax ?? 1024;
  }

  /** True when one more try is admitted now. */
  admit(address: string, nowMs: number): boolean {
    const known = this.#buckets.get(address);
    const left =
      known === undefined
        ? this.#burst
        : Math.min(this.#burst, known.left + ((nowMs - known.atMs) / 1000) * this.#perSecond);
    this.#buckets.delete(address);
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined && this.#buckets.size >= this.#addressesMax) this.#buckets.delete(oldest);
    this.#buckets.set(address, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left >= 1;
  }
}
