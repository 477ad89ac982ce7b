// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Random } from '../core.ts';
import { selectorFor } from './policies/table.ts';
import { type Mismatch, Pool } from './pool.ts';
import { type PoolKey, poolKey } from './pool-key.ts';

/** What the handlespace holds at most; beyond it a registration is refused. */
export interface HandlespaceLimits {
  readonly poolsMax: number;
  readonly elementsPerPoolMax: number;
  /** Octets; 32 in a scope shared with rsplib. */
  readonly poolHandleBytesMax: number;
}

export const HANDLESPACE_LIMITS: HandlespaceLimits = {
  poolsMax: 1024,
  elementsPerPoolMax: 4096,
  poolHandleBytesMax: 255,
};

/** Why an element was not taken. */
export type Refusal =
  | 'handle-empty'
  | 'handle-too-long'
  | 'policy-unsupported'
  | 'pools-full'
  | 'pool-full'
  | Mismatch;

export type SetResult =
  | { readonly kind: 'added' | 'replaced'; readonly pool: Pool; readonly previous: PoolElement | undefined }
  | { readonly kind: 'refused'; readonly reason: Refusal; readonly pool: Pool | undefined };

/** All pools that a registrar knows, with their elements. A pool exists while it has an element. */
export class Handlespace {
  readonly #random: Random;
  readonly #limits: HandlespaceLimits;
  readonly #pools = new Map<PoolKey, Pool>();

  constructor(random: Random, limits: HandlespaceLimits = HANDLESPACE_LIMITS) {
    this.#random = random;
    this.#limits = limits;
  }

  get size(): number {
    return this.#pools.size;
  }

  pool(handle: Uint8Array): Pool | undefined {
    return this.#pools.get(poolKey(handle));
  }

  pools(): IterableIterator<Pool> {
    return this.#pools.values();
  }

  /** Adds an element, or replaces the one with its identifier; makes the pool if need be. `handle` is copied. */
  set(handle: Uint8Array, element: PoolElement): SetResult {
    const existing = this.pool(handle);
    const reason = existing === undefined ? this.#refuseNew(handle) : this.#refuseInto(existing, element);
    if (reason !== undefined) return { kind: 'refused', reason, pool: existing };
    let pool = existing;
    if (pool === undefined) {
      const selector = selectorFor(element.policy, this.#random);
      if (selector === undefined) return { kind: 'refused', reason: 'policy-unsupported', pool };
      pool = new Pool(handle.slice(), element, selector);
      this.#pools.set(pool.key, pool);
    }
    const previous = pool.get(element.id);
    pool.set(element);
    return { kind: previous === undefined ? 'added' : 'replaced', pool, previous };
  }

  /** Removes an element, and its pool with the last one; returns what was removed. */
  delete(handle: Uint8Array, id: number): PoolElement | undefined {
    const pool = this.pool(handle);
    const element = pool?.get(id);
    if (pool === undefined || element === undefined) return undefined;
    pool.delete(id);
    if (pool.size === 0) this.#pools.delete(pool.key);
    return element;
  }

  #refuseNew(handle: Uint8Array): Refusal | undefined {
    if (handle.length === 0) return 'handle-empty';
    if (handle.length > this.#limits.poolHandleBytesMax) return 'handle-too-long';
    return this.#pools.size >= this.#limits.poolsMax ? 'pools-full' : undefined;
  }

  #refuseInto(pool: Pool, element: PoolElement): Refusal | undefined {
    const mismatch = pool.mismatch(element);
    if (mismatch !== undefined) return mismatch;
    const full = pool.size >= this.#limits.elementsPerPoolMax && pool.get(element.id) === undefined;
    return full ? 'pool-full' : undefined;
  }
}
