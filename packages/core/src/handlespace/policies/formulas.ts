// SPDX-License-Identifier: Apache-2.0
import { type KnownPolicy, type KnownPolicyType, POLICY_FORMATS } from '@vnfpool/wire/parameters';
import { drawingSelector } from './drawing.ts';
import { steppedSelector } from './ranked.ts';
import type { SelectionPolicy, SelectorFactory } from './selector.ts';
import { uniformSelector } from './uniform.ts';
import { weightedRoundRobin } from './weighted-round-robin.ts';

type Of<T extends KnownPolicyType> = Extract<KnownPolicy, { type: T }>;

const FULL = 0xffffffff;

/** Sums of load values stay within 32 bits. */
const saturate = (value: number): number => Math.min(value, FULL);

/** What of a load is left, as a weight; a full element can still be drawn. */
const left = (load: number): number => Math.max(1, FULL - load);

const degradationOf = ({ degradation }: { readonly degradation: number }): number => degradation;

function policy<T extends KnownPolicyType>(
  type: T,
  increment: number,
  selector: SelectorFactory,
): SelectionPolicy {
  return { name: type, code: POLICY_FORMATS[type].code, increment, selector };
}

/** Lowest rank first, equals by turns; each use adds the step. A selector gets elements of its own policy type only. */
function ranked<T extends KnownPolicyType>(
  type: T,
  rankOf: (policy: Of<T>) => number,
  stepOf: (policy: Of<T>) => number = () => 0,
): SelectionPolicy {
  return policy(type, 1, () => steppedSelector(rankOf, stepOf, FULL));
}

/** Drawn in proportion to the weight. */
function drawn<T extends KnownPolicyType>(
  type: T,
  increment: number,
  weightOf: (policy: Of<T>, uses: number) => number,
): SelectionPolicy {
  return policy(type, increment, (random) => drawingSelector(random, weightOf));
}

/** What distance takes off a weight. It takes nobody out of service: that is what weight 0 is for. */
function nearWeight(weight: number, penalty: number, distance: number): number {
  return weight === 0 ? 0 : Math.max(1, weight - Math.round((weight * distance * penalty) / FULL));
}

/** @see RFC 5356 §4, §5 */
export const RFC5356_POLICIES: readonly SelectionPolicy[] = [
  ranked('round-robin', () => 0),
  policy('weighted-round-robin', 1, weightedRoundRobin),
  policy('random', 0, uniformSelector),
  drawn('weighted-random', 0, ({ weight }) => weight),
  ranked('priority', ({ priority }) => -priority),
  ranked('least-used', ({ load }) => load),
  ranked('least-used-degradation', ({ load }) => load, degradationOf),
  ranked('priority-least-used', ({ load, degradation }) => saturate(load + degradation)),
  drawn('randomized-least-used', 1, ({ load }) => left(load)),
];

/** rsplib's own, without and with distance. @see draft-dreibholz-rserpool-delay */
export const PRIVATE_POLICIES: readonly SelectionPolicy[] = [
  drawn('randomized-priority-least-used', 1, ({ load, degradation }) => left(load + degradation)),
  drawn('randomized-least-used-degradation', 1, ({ load, degradation }, uses) =>
    left(load + uses * degradation),
  ),
  ranked(
    'priority-least-used-degradation',
    ({ load, degradation }) => saturate(load + degradation),
    degradationOf,
  ),
  drawn('randomized-priority-least-used-degradation', 1, ({ load, degradation }, uses) =>
    left(load + (uses + 1) * degradation),
  ),
  drawn('weighted-random-distance', 0, ({ weight, weightDistancePenalty, distance }) =>
    nearWeight(weight, weightDistancePenalty, distance),
  ),
  ranked('least-used-distance', ({ load, loadDistancePenalty, distance }) =>
    saturate(load + distance * loadDistancePenalty),
  ),
  ranked(
    'least-used-degradation-distance',
    ({ load, loadDistancePenalty, distance }) => saturate(load + distance * loadDistancePenalty),
    degradationOf,
  ),
];
