// SPDX-License-Identifier: Apache-2.0
import type { HandleResolutionResponse } from '@vnfpool/wire/asap';
import { type Policy, type PoolElement, policyCode } from '@vnfpool/wire/parameters';
import type { Random } from '../core.ts';
import type { Candidate, SelectionPolicy, Selector } from '../handlespace/policies/selector.ts';
import { POLICIES, type PolicyTable } from '../handlespace/policies/table.ts';

const ROUND_ROBIN: Policy = { type: 'round-robin' };

/**
 * A registrar's answer, and whose turn it is among its elements: chosen by the pool's policy, or, where we cannot
 * follow that, in the order in which the registrar gave them.
 * @see RFC 5356 §4, §5
 */
export class CachedPool {
  readonly fetchedMs: number;
  readonly #candidates = new Map<number, Candidate>();
  readonly #selector: Selector<Candidate> | undefined;
  readonly #increment: number;

  constructor(
    response: HandleResolutionResponse,
    random: Random,
    nowMs: number,
    policies: PolicyTable = POLICIES,
  ) {
    this.fetchedMs = nowMs;
    const { elements } = response;
    const selection = selectionFor(response.policy ?? ROUND_ROBIN, elements, policies);
    this.#selector = selection?.selector(random);
    this.#increment = selection?.increment ?? 0;
    for (const element of elements) {
      // An answer that has an element twice: its last values count.
      const previous = this.#candidates.get(element.id);
      if (previous !== undefined) this.#selector?.delete(previous);
      const candidate = { element, place: 0, uses: 0 };
      this.#candidates.set(element.id, candidate);
      this.#selector?.add(candidate);
    }
  }

  get size(): number {
    return this.#candidates.size;
  }

  elements(): PoolElement[] {
    return Array.from(this.#candidates.values(), ({ element }) => element);
  }

  /** All elements that the policy would choose, the chosen one first. */
  select(): PoolElement[] {
    const chosen = this.#selector?.select(this.#candidates.size) ?? [...this.#candidates.values()];
    for (const candidate of chosen.slice(0, this.#increment)) this.#selector?.use(candidate);
    return chosen.map(({ element }) => element);
  }

  delete(id: number): void {
    const candidate = this.#candidates.get(id);
    if (candidate === undefined) return;
    this.#selector?.delete(candidate);
    this.#candidates.delete(id);
  }
}

/** undefined: we know no such policy, or some element does not fit it. */
function selectionFor(
  policy: Policy,
  elements: readonly PoolElement[],
  policies: PolicyTable,
): SelectionPolicy | undefined {
  // Round robin needs no values, so elements that say something else of themselves do no harm.
  if (policy.type === 'round-robin') return policies.find(policy);
  const isFit = elements.every(
    (element) =>
      policyCode(element.policy) === policyCode(policy) && policies.find(element.policy) !== undefined,
  );
  // The values of the pool's own policy mean nothing, those of an element do.
  return isFit ? policies.find(elements[0]?.policy ?? policy) : undefined;
}
