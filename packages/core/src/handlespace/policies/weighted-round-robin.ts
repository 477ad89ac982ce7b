// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { RankHeap } from '../../heap/rank-heap.ts';
import type { Candidate, Selector } from './selector.ts';

/** The turn that an element has next. */
interface Turn<C extends Candidate> {
  readonly candidate: C;
  /** Virtual time at which it may begin. */
  readonly start: number;
  /** Virtual time at which it should have ended, as for the smallest weight of its group. */
  readonly end: number;
  /** Of equals, the lower goes first: the one used longest ago. */
  readonly sequence: number;
}

/** Elements of about the same weight, by the start of their turns. */
interface Group<C extends Candidate> {
  readonly magnitude: number;
  /** Virtual time of a turn of the smallest weight. */
  readonly length: number;
  readonly heap: RankHeap<C>;
  /** The earliest turn, at hand so that a choice need not look at elements that it does not take. */
  head: Turn<C>;
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
 * Of a group, whose weights differ by less than a quarter, only the earliest start is looked at: a choice reads at most
 * 125 heads, as a rule a few, whatever the size of the pool.
 * @see RFC 5356 §4.2
 */
export function weightedRoundRobin<C extends Candidate>(): Selector<C> {
  /** None is empty. */
  const groups: Group<C>[] = [];
  const weightless = new RankHeap<C>();
  let weightSum = 0;
  let virtualTime = 0;
  let sequence = 0;

  function groupOf(weight: number): Group<C> | undefined {
    if (weight === 0) return undefined;
    const magnitude = magnitudeOf(weight);
    for (const group of groups) if (group.magnitude === magnitude) return group;
    return undefined;
  }

  /** Looks at no weight: an element that is not chosen should cost nothing. */
  function turnOf({ heap, length }: Pick<Group<C>, 'heap' | 'length'>, candidate: C): Turn<C> {
    const start = heap.rankOf(candidate);
    return { candidate, start, end: start + length, sequence: heap.sequenceOf(candidate) };
  }

  function refresh(group: Group<C>): void {
    if (group.heap.top !== undefined) group.head = turnOf(group, group.heap.top);
  }

  function enter(candidate: C, weight: number, start: number, turn: number): void {
    if (weight === 0) {
      weightless.add(candidate, 0, turn);
      return;
    }
    weightSum += weight;
    let group = groupOf(weight);
    if (group === undefined) {
      const head = { candidate, start, end: start, sequence: turn };
      const magnitude = magnitudeOf(weight);
      group = { magnitude, length: 1 / smallestOf(magnitude), heap: new RankHeap<C>(), head };
      groups.push(group);
    }
    group.heap.add(candidate, start, turn, 1 / weight);
    refresh(group);
  }

  /** Returns its start. */
  function leave(candidate: C, weight: number): number {
    const group = groupOf(weight);
    if (group === undefined) {
      weightless.delete(candidate);
      return virtualTime;
    }
    const start = group.heap.rankOf(candidate);
    group.heap.delete(candidate);
    weightSum -= weight;
    if (group.heap.size === 0) groups.splice(groups.indexOf(group), 1);
    else refresh(group);
    return start;
  }

  /** Of those that may begin the one that must end first; if none may, the one that may first. */
  function isSooner(turn: Turn<C>, other: Turn<C>): boolean {
    const now = virtualTime + ROUNDING;
    const may = turn.start <= now;
    if (may !== other.start <= now) return may;
    const ahead = may ? turn.end - other.end : turn.start - other.start;
    return ahead < 0 || (ahead === 0 && turn.sequence < other.sequence);
  }

  return {
    add(candidate) {
      enter(candidate, weightOf(candidate.element), virtualTime, sequence++);
    },
    update(candidate, previous) {
      const [before, weight] = [weightOf(previous), weightOf(candidate.element)];
      if (weight === before) return;
      const turn = (groupOf(before)?.heap ?? weightless).sequenceOf(candidate);
      const ahead = leave(candidate, before) - virtualTime;
      if (weight === 0) forget(ahead * before);
      enter(candidate, weight, virtualTime + (weight === 0 ? 0 : (ahead * before) / weight), turn);
    },
    delete(candidate) {
      const weight = weightOf(candidate.element);
      forget((leave(candidate, weight) - virtualTime) * weight);
    },
    select(count) {
      if (groups.length === 0) return weightless.first(count);
      if (count !== 1) return following(count);
      let next: Turn<C> | undefined;
      for (const { head } of groups) if (next === undefined || isSooner(head, next)) next = head;
      return next === undefined ? [] : [next.candidate];
    },
    use(candidate) {
      const group =
        groups.find(({ head }) => head.candidate === candidate) ?? groupOf(weightOf(candidate.element));
      if (group === undefined) {
        weightless.move(candidate, 0, sequence++);
        return;
      }
      const { heap } = group;
      const step = heap.stepOf(candidate);
      heap.move(candidate, heap.rankOf(candidate) + step, sequence++, step);
      refresh(group);
      virtualTime += 1 / weightSum;
      if (virtualTime > VIRTUAL_TIME_MAX) startOver();
    },
  };

  /** The turns that would follow, everyone once. */
  function following(count: number): C[] {
    /** Of the groups of which one was taken: what comes next, the last one first. */
    const queues = new Map<Group<C>, C[]>();
    const heads: (Turn<C> | undefined)[] = groups.map(({ head }) => head);
    const chosen: C[] = [];
    while (chosen.length < count) {
      let best = -1;
      let next: Turn<C> | undefined;
      for (const [index, head] of heads.entries()) {
        if (head === undefined || (next !== undefined && !isSooner(head, next))) continue;
        best = index;
        next = head;
      }
      const group = groups[best];
      if (next === undefined || group === undefined) break;
      chosen.push(next.candidate);
      let queue = queues.get(group);
      if (queue === undefined) {
        queue = group.heap.first(count).toReversed();
        queue.pop();
        queues.set(group, queue);
      }
      const candidate = queue.pop();
      heads[best] = candidate === undefined ? undefined : turnOf(group, candidate);
    }
    return chosen;
  }

  /** Turns that somebody was ahead, or behind if negative, are gone with it: the mean of the others. */
  function forget(turns: number): void {
    if (weightSum === 0) virtualTime = 0;
    else virtualTime -= turns / weightSum;
  }

  function startOver(): void {
    for (const group of groups) {
      group.heap.lower(virtualTime);
      refresh(group);
    }
    virtualTime = 0;
  }
}

/** Highest bit of a weight, and the two bits after it. */
function magnitudeOf(weight: number): number {
  const bit = 31 - Math.clz32(weight);
  return 4 * bit + ((bit < 2 ? weight << (2 - bit) : weight >>> (bit - 2)) & 3);
}

function smallestOf(magnitude: number): number {
  return 2 ** (magnitude >> 2) * (1 + (magnitude & 3) / 4);
}

function weightOf({ policy }: PoolElement): number {
  return policy.type === 'weighted-round-robin' ? policy.weight : 1;
}
