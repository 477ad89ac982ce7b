// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy, KnownPolicyType, Policy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import { leastUsed } from './least-used.ts';
import { leastUsedDegradation } from './least-used-degradation.ts';
import { priority } from './priority.ts';
import { priorityLeastUsed } from './priority-least-used.ts';
import { uniformRandom } from './random.ts';
import { randomizedLeastUsed } from './randomized-least-used.ts';
import { roundRobin } from './round-robin.ts';
import type { Selector, SelectorFactory } from './selector.ts';
import { weightedRandom } from './weighted-random.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

/** The policies that we can select by: all of RFC 5356. A further one is a file and a line here. */
const SELECTORS: { readonly [T in KnownPolicyType]?: SelectorFactory<Extract<KnownPolicy, { type: T }>> } = {
  'round-robin': roundRobin,
  'weighted-round-robin': weightedRoundRobin,
  random: uniformRandom,
  'weighted-random': weightedRandom,
  priority,
  'least-used': leastUsed,
  'least-used-degradation': leastUsedDegradation,
  'priority-least-used': priorityLeastUsed,
  'randomized-least-used': randomizedLeastUsed,
};

/** A new selector for the type of this policy; undefined: we cannot select by it. */
export function selectorFor(policy: Policy, random: Random): Selector | undefined {
  if (policy.type === 'other') return undefined;
  // Whoever uses the selector gives it policies of this one type only.
  return SELECTORS[policy.type]?.(random) as Selector | undefined;
}
