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

/**
 * The same for ranks that grow by `stepOf` with each use, up to `rankMax`. A use reads nothing of the element then,
 * which in a large pool costs more than all the rest.
 */
export function steppedSelector<C extends Candidate, P extends Policy = Policy>(
  rankOf: (policy: P) => number,
  stepOf: (policy: P) => number,
  rankMax: number,
): Selector<C> {
  return new SteppedSelector(rankOf, stepOf, rankMax);
}

// Classes: with many small pools, a closure for each method would be most of a pool.
abstract class HeapSelector<C extends Candidate> implements Selector<C> {
  protected readonly heap: RankHeap<C> = new RankHeap<C>();
  /** The next one: who is added or used goes behind its equals. */
  protected sequence = 0;

  abstract add(candidate: C): void;
  abstract update(candidate: C): void;
  abstract use(candidate: C): void;

  delete(candidate: C): void {
    this.heap.delete(candidate);
  }

  select(count: number): C[] {
    const { top } = this.heap;
    return count === 1 && top !== undefined ? [top] : this.heap.first(count);
  }
}

class RankedSelector<C extends Candidate, P extends Policy> extends HeapSelector<C> {
  readonly #rankOf: RankOf<P>;

  constructor(rankOf: RankOf<P>) {
    super();
    this.#rankOf = rankOf;
  }

  override add(candidate: C): void {
    candidate.uses = 0;
    this.heap.add(candidate, this.#rankOf(candidate.element.policy as P, 0), this.sequence++);
  }

  override update(candidate: C): void {
    candidate.uses = 0;
    const rank = this.#rankOf(candidate.element.policy as P, 0);
    this.heap.move(candidate, rank, this.heap.sequenceOf(candidate));
  }

  override use(candidate: C): void {
    candidate.uses += 1;
    const rank = this.#rankOf(candidate.element.policy as P, candidate.uses);
    this.heap.move(candidate, rank, this.sequence++);
  }
}

class SteppedSelector<C extends Candidate, P extends Policy> extends HeapSelector<C> {
  readonly #rankOf: (policy: P) => number;
  readonly #stepOf: (policy: P) => number;
  readonly #rankMax: number;

  constructor(rankOf: (policy: P) => number, stepOf: (policy: P) => number, rankMax: number) {
    super();
    this.#rankOf = rankOf;
    this.#stepOf = stepOf;
    this.#rankMax = rankMax;
  }

  override add(candidate: C): void {
    const policy = candidate.element.policy as P;
    this.heap.add(candidate, this.#rankOf(policy), this.sequence++, this.#stepOf(policy));
  }

  override update(candidate: C): void {
    const policy = candidate.element.policy as P;
    const sequence = this.heap.sequenceOf(candidate);
    this.heap.move(candidate, this.#rankOf(policy), sequence, this.#stepOf(policy));
  }

  override use(candidate: C): void {
    const step = this.heap.stepOf(candidate);
    const rank = Math.min(this.heap.rankOf(candidate) + step, this.#rankMax);
    this.heap.move(candidate, rank, this.sequence++, step);
  }
}
