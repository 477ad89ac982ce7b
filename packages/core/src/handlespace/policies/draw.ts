// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import type { Selector } from './selector.ts';

/**
 * The policies that draw by weight, without putting back. Weight 0 is never drawn, unless all are 0: then all
 * count the same. A choice reads every element once per element returned.
 */
export function drawingSelector<P extends KnownPolicy>(
  random: Random,
  weightOf: (policy: P) => number,
): Selector<P> {
  const weights = new Map<number, number>();
  return {
    set(id, policy) {
      weights.set(id, weightOf(policy));
    },
    delete(id) {
      weights.delete(id);
    },
    select(count) {
      let left = [...weights].filter(([, weight]) => weight > 0);
      if (left.length === 0) left = [...weights.keys()].map((id) => [id, 1]);
      const chosen: number[] = [];
      while (chosen.length < count && left.length > 0) {
        const at = draw(left, random);
        const [drawn] = left.splice(at, 1);
        if (drawn !== undefined) chosen.push(drawn[0]);
      }
      return chosen;
    },
  };
}

/** Index of one entry, drawn with its share of the sum. The sum of 32-bit weights is exact up to two million of them. */
function draw(entries: readonly (readonly [number, number])[], random: Random): number {
  let ticket = random.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [at, [, weight]] of entries.entries()) {
    ticket -= weight;
    if (ticket < 0) return at;
  }
  return entries.length - 1;
}
