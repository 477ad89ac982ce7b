// SPDX-License-Identifier: Apache-2.0
import type { Pool } from './pool.ts';

/**
 * Pools by their handles, straight from the octets: a key for each question would cost more than all the rest of a
 * choice. The hash begins with a secret `seed`, so that nobody can pick handles that meet.
 */
export class PoolIndex {
  readonly #seed: number;
  /** In the order in which they came. */
  readonly #pools = new Set<Pool>();
  /** An array where handles meet. */
  readonly #byHash = new Map<number, Pool | Pool[]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#pools.size;
  }

  get(handle: Uint8Array): Pool | undefined {
    const found = this.#byHash.get(this.#hash(handle));
    if (found === undefined) return undefined;
    if (Array.isArray(found)) return found.find((pool) => isSame(pool.handle, handle));
    return isSame(found.handle, handle) ? found : undefined;
  }

  /** Of a handle that is not there. */
  add(pool: Pool): void {
    this.#pools.add(pool);
    const hash = this.#hash(pool.handle);
    const found = this.#byHash.get(hash);
    if (found === undefined) this.#byHash.set(hash, pool);
    else this.#byHash.set(hash, Array.isArray(found) ? [...found, pool] : [found, pool]);
  }

  delete(pool: Pool): void {
    if (!this.#pools.delete(pool)) return;
    const hash = this.#hash(pool.handle);
    const found = this.#byHash.get(hash);
    const left = Array.isArray(found) ? found.filter((other) => other !== pool) : [];
    if (left.length === 0) this.#byHash.delete(hash);
    else this.#byHash.set(hash, left);
  }

  values(): IterableIterator<Pool> {
    return this.#pools.values();
  }

  /** 31 bits, which a map takes as they are. */
  #hash(handle: Uint8Array): number {
    let hash = this.#seed ^ handle.length;
    for (let at = 0; at < handle.length; at++) {
      hash = Math.imul(hash ^ (handle[at] as number), 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    return hash >>> 1;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
