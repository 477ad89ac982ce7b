// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '@vnfpool/wire/parameters';
import type { Random } from '../../core.ts';
import { below, shuffleFront } from './chance.ts';
import type { Candidate, Selector } from './selector.ts';
import { SumTree } from './sum-tree.ts';

/**
 * The policies that draw by weight, without putting back. Weights are whole numbers below 2^32. Weight 0 is never
 * drawn, unless all are 0: then all count the same. `weightOf` is asked again after each use. Every operation costs
 * at most the logarithm of the pool's size; a choice does so for each element returned.
 */
export function drawingSelector<C extends Candidate, P extends Policy = Policy>(
  random: Random,
  weightOf: (policy: P, uses: number) => number,
): Selector<C> {
  const items: C[] = [];
  const weights = new SumTree();

  function weigh(candidate: C): void {
    weights.set(candidate.place, weightOf(candidate.element.policy as P, candidate.uses));
  }

  return {
    add(candidate) {
      candidate.place = items.push(candidate) - 1;
      candidate.uses = 0;
      weigh(candidate);
    },
    update(candidate) {
      candidate.uses = 0;
      weigh(candidate);
    },
    delete(candidate) {
      const last = items.pop();
      if (last === undefined) return;
      // The last one takes the place of the one that goes.
      const weight = weights.get(last.place);
      weights.set(last.place, 0);
      if (last === candidate) return;
      last.place = candidate.place;
      items[last.place] = last;
      weights.set(last.place, weight);
    },
    select(count) {
      if (weights.total === 0) return shuffleFront(random, items, count);
      const chosen: C[] = [];
      const taken: number[] = [];
      while (chosen.length < count && weights.total > 0) {
        const candidate = items[weights.find(below(random, weights.total))] as C;
        if (chosen.push(candidate) === count) break;
        taken.push(weights.get(candidate.place));
        weights.set(candidate.place, 0);
      }
      for (const [index, weight] of taken.entries()) weights.set((chosen[index] as C).place, weight);
      return chosen;
    },
    use(candidate) {
      candidate.uses += 1;
      weigh(candidate);
    },
  };
}
