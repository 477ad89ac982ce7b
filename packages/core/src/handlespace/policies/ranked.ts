// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '@vnfpool/wire/parameters';
import { RankHeap } from './rank-heap.ts';
import type { Candidate, Selector } from './selector.ts';

/**
 * The ordered policies: lowest rank first, equals by turns, the one used longest ago first. `rankOf` is asked at each
 * registration and again after each use. Every operation costs at most the logarithm of the pool's size.
 */
export function rankedSelector<C extends Candidate, P extends Policy = Policy>(
  rankOf: (policy: P, uses: number) => number,
): Selector<C> {
  const heap = new RankHeap<C>();
  let sequence = 0;
  return {
    add(candidate) {
      candidate.sequence = sequence++;
      candidate.uses = 0;
      heap.add(candidate, rankOf(candidate.element.policy as P, 0));
    },
    update(candidate) {
      candidate.uses = 0;
      heap.move(candidate, rankOf(candidate.element.policy as P, 0));
    },
    delete: (candidate) => heap.delete(candidate),
    select(count) {
      if (count !== 1) return heap.first(count);
      return heap.top === undefined ? [] : [heap.top];
    },
    use(candidate) {
      candidate.sequence = sequence++;
      candidate.uses += 1;
      heap.move(candidate, rankOf(candidate.element.policy as P, candidate.uses));
    },
  };
}
