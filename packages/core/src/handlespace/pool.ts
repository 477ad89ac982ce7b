// SPDX-License-Identifier: Apache-2.0
import {
  type Policy,
  type PoolElement,
  policyCode,
  type Transport,
  type TransportUse,
} from '@vnfpool/wire/parameters';
import { handleSum } from './checksum.ts';
import { Holding } from './holding.ts';
import type { Selector } from './policies/selector.ts';
import { type PoolKey, poolKey } from './pool-key.ts';

/** Why an element does not fit into its pool. */
export type Mismatch = 'policy' | 'transport' | 'use';

/**
 * One pool: its elements, and whose turn it is. The first element fixes policy type, transport type and
 * transport use for as long as the pool lives.
 * @see RFC 5356 §4, RFC 5352 §3.1
 */
export class Pool {
  readonly key: PoolKey;
  readonly handle: Uint8Array;
  /** Of the element that made the pool: its type counts, its values mean nothing. */
  readonly policy: Policy;
  /** Likewise an example. */
  readonly transport: Transport;
  /** Of the words of the handle, for checksums. */
  readonly handleSum: number;
  readonly #holdings = new Map<number, Holding>();
  readonly #selector: Selector<Holding>;
  readonly #increment: number;

  /** `increment`: how many of an answer count as used. */
  constructor(handle: Uint8Array, first: PoolElement, selector: Selector<Holding>, increment: number) {
    this.key = poolKey(handle);
    this.handle = handle;
    this.handleSum = handleSum(handle);
    this.policy = first.policy;
    this.transport = first.userTransport;
    this.#selector = selector;
    this.#increment = increment;
  }

  get size(): number {
    return this.#holdings.size;
  }

  get(id: number): PoolElement | undefined {
    return this.#holdings.get(id)?.element;
  }

  *elements(): Generator<PoolElement, void, undefined> {
    for (const holding of this.#holdings.values()) yield holding.element;
  }

  /** For the handlespace, which keeps the count and the owners. */
  holding(id: number): Holding | undefined {
    return this.#holdings.get(id);
  }

  holdings(): IterableIterator<Holding> {
    return this.#holdings.values();
  }

  /** The first thing in which the element differs from the pool, in the order of RFC 5352 §3.1. */
  mismatch(element: PoolElement): Mismatch | undefined {
    if (policyCode(element.policy) !== policyCode(this.policy)) return 'policy';
    if (element.userTransport.type !== this.transport.type) return 'transport';
    if (useOf(element.userTransport) !== useOf(this.transport)) return 'use';
    return undefined;
  }

  /** Takes an element that has no mismatch and whose identifier is new. */
  add(element: PoolElement): Holding {
    const holding = new Holding(this, element);
    this.#holdings.set(element.id, holding);
    this.#selector.add(holding);
    return holding;
  }

  /** Takes the values of a new registration that has no mismatch. */
  replace(holding: Holding, element: PoolElement): void {
    const previous = holding.element;
    holding.element = element;
    this.#selector.update(holding, previous);
  }

  delete(holding: Holding): void {
    this.#selector.delete(holding);
    this.#holdings.delete(holding.element.id);
  }

  /** At most `count` elements by the pool's policy, the preferred one first; no element twice. */
  select(count: number): PoolElement[] {
    if (count < 1) return [];
    const chosen = this.#selector.select(count);
    const used = Math.min(this.#increment, chosen.length);
    for (let at = 0; at < used; at++) this.#selector.use(chosen[at] as Holding);
    return chosen.map(({ element }) => element);
  }
}

function useOf(transport: Transport): TransportUse {
  if (transport.type === 'sctp') return transport.use;
  return transport.type === 'tcp' ? (transport.use ?? 'data') : 'data';
}
