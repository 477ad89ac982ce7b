// SPDX-License-Identifier: Apache-2.0
import {
  type KnownPolicy,
  type Policy,
  type PoolElement,
  policyCode,
  type Transport,
  type TransportUse,
} from '@vnfpool/wire/parameters';
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
  readonly #elements = new Map<number, PoolElement>();
  readonly #selector: Selector;

  constructor(handle: Uint8Array, first: PoolElement, selector: Selector) {
    this.key = poolKey(handle);
    this.handle = handle;
    this.policy = first.policy;
    this.transport = first.userTransport;
    this.#selector = selector;
  }

  get size(): number {
    return this.#elements.size;
  }

  get(id: number): PoolElement | undefined {
    return this.#elements.get(id);
  }

  elements(): IterableIterator<PoolElement> {
    return this.#elements.values();
  }

  /** The first thing in which the element differs from the pool, in the order of RFC 5352 §3.1. */
  mismatch(element: PoolElement): Mismatch | undefined {
    if (policyCode(element.policy) !== policyCode(this.policy)) return 'policy';
    if (element.userTransport.type !== this.transport.type) return 'transport';
    if (useOf(element.userTransport) !== useOf(this.transport)) return 'use';
    return undefined;
  }

  /** Adds or replaces an element that has no mismatch. */
  set(element: PoolElement): void {
    this.#elements.set(element.id, element);
    this.#selector.set(element.id, element.policy as KnownPolicy);
  }

  delete(id: number): boolean {
    this.#selector.delete(id);
    return this.#elements.delete(id);
  }

  /** At most `count` elements by the pool's policy, the preferred one first. */
  select(count: number): PoolElement[] {
    const chosen: PoolElement[] = [];
    for (const id of this.#selector.select(count)) {
      const element = this.#elements.get(id);
      if (element !== undefined) chosen.push(element);
    }
    return chosen;
  }
}

function useOf(transport: Transport): TransportUse {
  if (transport.type === 'sctp') return transport.use;
  return transport.type === 'tcp' ? (transport.use ?? 'data') : 'data';
}
