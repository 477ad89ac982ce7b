// SPDX-License-Identifier: Apache-2.0
import type { PoolElement as FoundElement } from '@vnfpool/wire/parameters';

/** Pools remembered; the one used longest ago is forgotten. */
const POOLS_MAX = 1024;

/** The element of each pool that was used last. */
export class LastUsed {
  readonly #elements = new Map<string, FoundElement>();

  get(poolHandle: Uint8Array): FoundElement | undefined {
    return this.#elements.get(keyOf(poolHandle));
  }

  set(poolHandle: Uint8Array, element: FoundElement): void {
    const key = keyOf(poolHandle);
    this.#elements.delete(key);
    this.#elements.set(key, element);
    const [oldest] = this.#elements.keys();
    if (this.#elements.size > POOLS_MAX && oldest !== undefined) this.#elements.delete(oldest);
  }
}

function keyOf(poolHandle: Uint8Array): string {
  return Buffer.from(poolHandle).toString('latin1');
}
