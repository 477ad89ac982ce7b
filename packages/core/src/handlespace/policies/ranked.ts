// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '@vnfpool/wire/parameters';
import { RankHeap } from '../../heap/rank-heap.ts';
import type { Candidate, Selector } from './selector.ts';

type RankOf<P extends Policy> = (policy: P, uses: number) => number;

/**
 * The ordered policies: lowest rank first, equals by turns, the one used longest ago first. `rankOf` is asked at each
 * registration and again after each use. Every operation costs at most the logarithm of the pool's size.
 */
export function rankedSelector<C extends Candidate, P extends Policy = Policy>(
  rankOf: RankOf<P>,
): Selector<C> {
  return new RankedSelector(rankOf);
}

// A class: with many small pools, a closure for each method would be most of a pool.
class RankedSelector<C extends Candidate, P extends Policy> implements Selector<C> {
  readonly #rankOf: RankOf<P>;
  readonly #heap = new RankHeap<C>();
  /** The next one: who is added or used goes behind its equals. */
  #sequence = 0;

  constructor(rankOf: RankOf<P>) {
    this.#rankOf = rankOf;
  }

  add(candidate: C): void {
    candidate.uses = 0;
    this.#heap.add(candidate, this.#rankOf(candidate.element.policy as P, 0), this.#sequence++);
  }

  update(candidate: C): void {
    candidate.uses = 0;
    const rank = this.#rankOf(candidate.element.policy as P, 0);
    this.#heap.move(candidate, rank, this.#heap.sequenceOf(candidate));
  }

  delete(candidate: C): void {
    this.#heap.delete(candidate);
  }

  select(count: number): C[] {
    const { top } = this.#heap;
    return count === 1 && top !== undefined ? [top] : this.#heap.first(count);
  }

  use(candidate: C): void {
    candidate.uses += 1;
    const rank = this.#rankOf(candidate.element.policy as P, candidate.uses);
    this.#heap.move(candidate, rank, this.#sequence++);
  }
}
