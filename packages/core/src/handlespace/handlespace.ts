// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Random } from '../core.ts';
import { type ChecksumRule, foldChecksum } from './checksum.ts';
import type { Holding, Placed } from './holding.ts';
import { HANDLESPACE_LIMITS, type HandlespaceLimits } from './limits.ts';
import { Owners } from './owners.ts';
import { POLICIES, type PolicyTable } from './policies/table.ts';
import { type Mismatch, Pool } from './pool.ts';
import { PoolIndex } from './pool-index.ts';

export interface HandlespaceOptions {
  /** `HANDLESPACE_LIMITS` for what is not given. */
  readonly limits?: Partial<HandlespaceLimits>;
  /** `exact` by default. */
  readonly checksum?: ChecksumRule;
  /** What one can select by; `policyTable()` by default. */
  readonly policies?: PolicyTable;
  /**
   * MaxIncrement: how many elements of an answer, from its first on, count as used. 0, the default: what the policy
   * itself says, which is 1 where it goes by turns or by load, and 0 where it draws by weight. All that are
   * returned, by the letter of RFC 5356 §5.2: a number as large as any answer.
   */
  readonly maxIncrement?: number | undefined;
}

/** Why an element was not taken. */
export type Refusal =
  | 'handle-empty'
  | 'handle-too-long'
  | 'policy-unsupported'
  | 'handlespace-full'
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
  readonly #checksumRule: ChecksumRule;
  readonly #policies: PolicyTable;
  readonly #maxIncrement: number;
  readonly #pools: PoolIndex;
  readonly #owners = new Owners();
  #elementCount = 0;

  constructor(random: Random, options: HandlespaceOptions = {}) {
    this.#random = random;
    this.#pools = new PoolIndex(random.u32());
    this.#limits = { ...HANDLESPACE_LIMITS, ...options.limits };
    this.#checksumRule = options.checksum ?? 'exact';
    this.#policies = options.policies ?? POLICIES;
    this.#maxIncrement = options.maxIncrement ?? 0;
  }

  /** Pools. */
  get size(): number {
    return this.#pools.size;
  }

  /** Elements of all pools. */
  get elementCount(): number {
    return this.#elementCount;
  }

  pool(handle: Uint8Array): Pool | undefined {
    return this.#pools.get(handle);
  }

  pools(): IterableIterator<Pool> {
    return this.#pools.values();
  }

  /** All elements, pool by pool. Live: pools and elements may come and go while the iterator stands still. */
  *elements(): Generator<Placed, void, undefined> {
    for (const pool of this.#pools.values()) yield* pool.holdings();
  }

  /**
   * The elements of one home registrar. Live: what is added while the iterator stands still comes later, what is
   * removed does not come; an element that is replaced keeps its place.
   */
  owned(owner: number): Generator<Placed, void, undefined> {
    return this.#owners.holdings(owner);
  }

  ownedCount(owner: number): number {
    return this.#owners.count(owner);
  }

  /**
   * The PE checksum of one home registrar, 16 bits: 0xffff when it owns nothing.
   * @see RFC 5353 §3.6.2
   */
  checksum(owner: number): number {
    return foldChecksum(this.#owners.sum(owner), this.#checksumRule);
  }

  /**
   * Adds an element, or replaces the one with its identifier; makes the pool if need be. It belongs to the home
   * registrar that it names. `handle` is copied.
   */
  set(handle: Uint8Array, element: PoolElement): SetResult {
    const existing = this.pool(handle);
    const reason = existing === undefined ? this.#refuseNew(handle) : this.#refuseInto(existing, element);
    if (reason !== undefined) return { kind: 'refused', reason, pool: existing };
    const policy = this.#policies.find(element.policy);
    if (policy === undefined) return { kind: 'refused', reason: 'policy-unsupported', pool: existing };
    let pool = existing;
    if (pool === undefined) {
      const increment = this.#maxIncrement > 0 ? this.#maxIncrement : policy.increment;
      pool = new Pool(handle.slice(), element, policy.selector(this.#random), increment);
      this.#pools.add(pool);
    }
    const held = pool.holding(element.id);
    if (held === undefined) {
      this.#owners.add(element.homeRegistrar, pool.add(element));
      this.#elementCount += 1;
      return { kind: 'added', pool, previous: undefined };
    }
    const previous = held.element;
    pool.replace(held, element);
    this.#rehome(held, previous.homeRegistrar);
    return { kind: 'replaced', pool, previous };
  }

  /** Removes an element, and its pool with the last one; returns what was removed. */
  delete(handle: Uint8Array, id: number): PoolElement | undefined {
    const pool = this.pool(handle);
    const holding = pool?.holding(id);
    if (pool === undefined || holding === undefined) return undefined;
    this.#owners.delete(holding.element.homeRegistrar, holding);
    this.#elementCount -= 1;
    pool.delete(holding);
    if (pool.size === 0) this.#pools.delete(pool);
    return holding.element;
  }

  /**
   * Makes `to` the home of all elements of `from`, and returns them as they now are. Whose turn it is stays.
   * @see RFC 5353 §3.5.4
   */
  transfer(from: number, to: number): Placed[] {
    if (from === to) return [];
    const moved = [...this.#owners.holdings(from)].map(({ pool, element }) => {
      const placed = { pool, element: { ...element, homeRegistrar: to } };
      const holding = pool.holding(element.id);
      if (holding !== undefined) {
        holding.element = placed.element;
        this.#rehome(holding, from);
      }
      return placed;
    });
    return moved;
  }

  #rehome(holding: Holding, from: number): void {
    const to = holding.element.homeRegistrar;
    if (from === to) return;
    this.#owners.delete(from, holding);
    this.#owners.add(to, holding);
  }

  #refuseNew(handle: Uint8Array): Refusal | undefined {
    if (handle.length === 0) return 'handle-empty';
    if (handle.length > this.#limits.poolHandleBytesMax) return 'handle-too-long';
    if (this.#elementCount >= this.#limits.elementsMax) return 'handlespace-full';
    return this.#pools.size >= this.#limits.poolsMax ? 'pools-full' : undefined;
  }

  #refuseInto(pool: Pool, element: PoolElement): Refusal | undefined {
    const mismatch = pool.mismatch(element);
    if (mismatch !== undefined) return mismatch;
    if (pool.get(element.id) !== undefined) return undefined;
    if (this.#elementCount >= this.#limits.elementsMax) return 'handlespace-full';
    return pool.size >= this.#limits.elementsPerPoolMax ? 'pool-full' : undefined;
  }
}
