// SPDX-License-Identifier: Apache-2.0
import type { HandleResolutionResponse } from '@vnfpool/wire/asap';
import { type KnownPolicy, type Policy, type PoolElement, policyCode } from '@vnfpool/wire/parameters';
import type { Random } from '../core.ts';
import type { Selector } from '../handlespace/policies/selector.ts';
import { selectorFor } from '../handlespace/policies/table.ts';

const ROUND_ROBIN: Policy = { type: 'round-robin' };

/**
 * A registrar's answer, and whose turn it is among its elements: chosen by the pool's policy, or, where we cannot
 * follow that, in the order in which the registrar gave them.
 * @see RFC 5356 §4, §5
 */
export class CachedPool {
  readonly fetchedMs: number;
  readonly #elements = new Map<number, PoolElement>();
  readonly #selector: Selector | undefined;

  constructor(response: HandleResolutionResponse, random: Random, nowMs: number) {
    this.fetchedMs = nowMs;
    const policy = response.policy ?? ROUND_ROBIN;
    const { elements } = response;
    const alike = elements.every((element) => policyCode(element.policy) === policyCode(policy));
    // Round robin needs no values, so elements that say something else of themselves do no harm.
    this.#selector = alike || policy.type === 'round-robin' ? selectorFor(policy, random) : undefined;
    for (const element of elements) {
      this.#elements.set(element.id, element);
      this.#selector?.set(element.id, element.policy as KnownPolicy);
    }
  }

  get size(): number {
    return this.#elements.size;
  }

  elements(): PoolElement[] {
    return [...this.#elements.values()];
  }

  /** All elements, the chosen one first. */
  select(): PoolElement[] {
    const ids = this.#selector?.select(this.#elements.size) ?? [...this.#elements.keys()];
    return ids.map((id) => this.#elements.get(id)).filter((element) => element !== undefined);
  }

  delete(id: number): void {
    this.#selector?.delete(id);
    this.#elements.delete(id);
  }
}
