// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { RankHeap } from './rank-heap.ts';
import type { Candidate, Selector } from './selector.ts';

/** Elements whose weights have the same highest bit, by the virtual time at which their next turn may begin. */
interface Group<C extends Candidate> {
  readonly magnitude: number;
  readonly heap: RankHeap<C>;
}

/** Beyond it the virtual time starts over, so that the turns of large weights are still told apart. */
const VIRTUAL_TIME_MAX = 64;
/** What sums of fractions may be off; small beside the shortest turn, 2^-32. */
const ROUNDING = 2 ** -40;

/**
 * Everyone in turn, in proportion to the weights and evenly spread. Weight 0 gets no turn, unless all have 0.
 *
 * Virtual time grows by one while everyone gets as many turns as its weight says. Each element has a `start`: when its
 * next turn may begin; a turn moves it on by 1 ÷ weight. The turn is given to whoever of those that may begin must end
 * first (`start` + 1 ÷ weight). Nobody is ahead of its share by more than a turn, so heavy elements cannot run off and
 * leave the light ones in a heap behind. The virtual time is the mean of all starts, by weight: who comes starts there,
 * who goes takes away what it was ahead or behind, and a change of weight keeps the part of a turn that is owed.
 *
 * Of a group, whose weights differ by less than a factor of two, only the earliest start is looked at: a choice reads
 * at most 32 heads, whatever the size of the pool.
 * @see RFC 5356 §4.2
 */
export function weightedRoundRobin<C extends Candidate>(): Selector<C> {
  /** None is empty. */
  const groups: Group<C>[] = [];
  const weightless = new RankHeap<C>();
  let weightSum = 0;
  let virtualTime = 0;
  let sequence = 0;

  function enter(candidate: C, weight: number, start: number): void {
    if (weight === 0) {
      weightless.add(candidate, 0);
      return;
    }
    weightSum += weight;
    const magnitude = Math.clz32(weight);
    let group = groups.find((one) => one.magnitude === magnitude);
    if (group === undefined) {
      group = { magnitude, heap: new RankHeap<C>() };
      groups.push(group);
    }
    group.heap.add(candidate, start);
  }

  /** Returns its start. */
  function leave(candidate: C, weight: number): number {
    if (weight === 0) {
      weightless.delete(candidate);
      return virtualTime;
    }
    const { heap } = groupOf(weight);
    const start = heap.rankOf(candidate);
    heap.delete(candidate);
    weightSum -= weight;
    if (heap.size === 0) groups.splice(groups.indexOf(groupOf(weight)), 1);
    return start;
  }

  function groupOf(weight: number): Group<C> {
    const magnitude = Math.clz32(weight);
    return groups.find((one) => one.magnitude === magnitude) as Group<C>;
  }

  /** Which of the heads has the next turn: an index into `heads`. */
  function nextTurn(heads: readonly (C | undefined)[]): number {
    let best = -1;
    let [bestMay, bestKey, bestSequence] = [false, Number.POSITIVE_INFINITY, 0];
    for (let index = 0; index < groups.length; index++) {
      const candidate = heads[index];
      if (candidate === undefined) continue;
      const start = (groups[index] as Group<C>).heap.rankOf(candidate);
      const may = start <= virtualTime + ROUNDING;
      if (bestMay && !may) continue;
      const key = may ? start + 1 / weightOf(candidate.element) : start;
      const isBetter =
        may !== bestMay || key < bestKey || (key === bestKey && candidate.sequence < bestSequence);
      if (best >= 0 && !isBetter) continue;
      best = index;
      [bestMay, bestKey, bestSequence] = [may, key, candidate.sequence];
    }
    return best;
  }

  return {
    add(candidate) {
      candidate.sequence = sequence++;
      enter(candidate, weightOf(candidate.element), virtualTime);
    },
    update(candidate, previous) {
      const [before, weight] = [weightOf(previous), weightOf(candidate.element)];
      if (weight === before) return;
      const ahead = leave(candidate, before) - virtualTime;
      if (weight === 0) forget(ahead * before);
      enter(candidate, weight, virtualTime + (weight === 0 ? 0 : (ahead * before) / weight));
    },
    delete(candidate) {
      const weight = weightOf(candidate.element);
      forget((leave(candidate, weight) - virtualTime) * weight);
    },
    select(count) {
      if (groups.length === 0) return weightless.first(count);
      if (count === 1) {
        const heads = groups.map(({ heap }) => heap.top);
        return [heads[nextTurn(heads)] as C];
      }
      // The turns that would follow, everyone once.
      const queues = groups.map(({ heap }) => heap.first(count));
      const taken = queues.map(() => 0);
      const heads = queues.map(([head]) => head);
      const chosen: C[] = [];
      while (chosen.length < count) {
        const index = nextTurn(heads);
        const head = heads[index];
        if (head === undefined) break;
        chosen.push(head);
        taken[index] = (taken[index] as number) + 1;
        heads[index] = queues[index]?.[taken[index] as number];
      }
      return chosen;
    },
    use(candidate) {
      candidate.sequence = sequence++;
      const weight = weightOf(candidate.element);
      if (weight === 0) {
        weightless.move(candidate, 0);
        return;
      }
      const { heap } = groupOf(weight);
      heap.move(candidate, heap.rankOf(candidate) + 1 / weight);
      virtualTime += 1 / weightSum;
      if (virtualTime > VIRTUAL_TIME_MAX) startOver();
    },
  };

  /** Turns that somebody was ahead, or behind if negative, are gone with it: the mean of the others. */
  function forget(turns: number): void {
    if (weightSum === 0) virtualTime = 0;
    else virtualTime -= turns / weightSum;
  }

  function startOver(): void {
    for (const { heap } of groups) heap.lower(virtualTime);
    virtualTime = 0;
  }
}

function weightOf({ policy }: PoolElement): number {
  return policy.type === 'weighted-round-robin' ? policy.weight : 1;
}
