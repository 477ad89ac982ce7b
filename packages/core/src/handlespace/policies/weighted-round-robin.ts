// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Selector } from './selector.ts';

interface Turn {
  readonly id: number;
  weight: number;
  /** What it is owed: grows by its weight each turn, falls by the sum of weights when it is chosen. */
  credit: number;
  sequence: number;
}

/**
 * Everyone in turn, in proportion to the weights and evenly spread ("smooth" weighted round robin). The first of
 * an answer is one real turn; the others are the next turns among those not yet in the answer. Weight 0 gets no
 * turn, unless all have 0. A choice reads every element once per element returned.
 * @see RFC 5356 §4.2
 */
export function weightedRoundRobin(): Selector<Extract<KnownPolicy, { type: 'weighted-round-robin' }>> {
  const turns = new Map<number, Turn>();
  let sequence = 0;
  return {
    set(id, { weight }) {
      const turn = turns.get(id);
      if (turn === undefined) turns.set(id, { id, weight, credit: 0, sequence: sequence++ });
      else turn.weight = weight;
    },
    delete(id) {
      turns.delete(id);
    },
    select(count) {
      const all = [...turns.values()];
      const anyWeight = all.some((turn) => turn.weight > 0);
      const left = anyWeight ? all.filter((turn) => turn.weight > 0) : all;
      const weightOf = (turn: Turn): number => (anyWeight ? turn.weight : 1);
      const first = count > 0 ? largestCredit(left, weightOf) : undefined;
      if (first === undefined) return [];
      const sum = left.reduce((total, turn) => total + weightOf(turn), 0);
      for (const turn of left) turn.credit += weightOf(turn);
      first.credit -= sum;
      first.sequence = sequence++;

      const chosen = [first.id];
      const copy = left.filter((turn) => turn !== first).map((turn) => ({ ...turn }));
      while (chosen.length < count) {
        const next = largestCredit(copy, weightOf);
        if (next === undefined) break;
        for (const turn of copy) turn.credit += weightOf(turn);
        chosen.push(next.id);
        copy.splice(copy.indexOf(next), 1);
      }
      return chosen;
    },
  };
}

/** Who is owed most after one more turn; of equals the one used longest ago. */
function largestCredit(turns: readonly Turn[], weightOf: (turn: Turn) => number): Turn | undefined {
  let best: Turn | undefined;
  for (const turn of turns) {
    const ahead = best === undefined ? 1 : turn.credit + weightOf(turn) - (best.credit + weightOf(best));
    if (best === undefined || ahead > 0 || (ahead === 0 && turn.sequence < best.sequence)) best = turn;
  }
  return best;
}
