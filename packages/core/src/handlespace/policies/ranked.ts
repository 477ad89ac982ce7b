// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import type { Selector } from './selector.ts';

/** An element in the ranking. Of equal ranks, the one used longest ago goes first: the lower `sequence`. */
interface Ranked<P> {
  readonly id: number;
  policy: P;
  rank: number;
  sequence: number;
  /** How often it was selected since it last registered. */
  uses: number;
}

/**
 * The ordered policies: lowest rank first, equals by turns. A sorted array, so that a choice reads only what it
 * returns; placing an element is a binary search and one block move.
 */
export function rankedSelector<P extends KnownPolicy>(
  rankOf: (policy: P, uses: number) => number,
): Selector<P> {
  const entries = new Map<number, Ranked<P>>();
  const order: Ranked<P>[] = [];
  let sequence = 0;

  /** Where an entry of this rank and sequence stands, or would stand. */
  function place(rank: number, of: number): number {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = order[middle];
      if (entry !== undefined && (entry.rank < rank || (entry.rank === rank && entry.sequence < of)))
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function rerank(entry: Ranked<P>, change: () => void): void {
    order.splice(place(entry.rank, entry.sequence), 1);
    change();
    entry.rank = rankOf(entry.policy, entry.uses);
    order.splice(place(entry.rank, entry.sequence), 0, entry);
  }

  return {
    set(id, policy) {
      const entry = entries.get(id);
      if (entry !== undefined) {
        rerank(entry, () => {
          entry.policy = policy;
          entry.uses = 0;
        });
        return;
      }
      const added = { id, policy, rank: rankOf(policy, 0), sequence: sequence++, uses: 0 };
      entries.set(id, added);
      order.splice(place(added.rank, added.sequence), 0, added);
    },
    delete(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entries.delete(id);
      order.splice(place(entry.rank, entry.sequence), 1);
    },
    select(count) {
      const chosen = order.slice(0, count);
      const [first] = chosen;
      if (first !== undefined) {
        rerank(first, () => {
          first.sequence = sequence++;
          first.uses += 1;
        });
      }
      return chosen.map((entry) => entry.id);
    },
  };
}

/** Sums of load values stay within 32 bits. */
export function saturate(value: number): number {
  return Math.min(value, 0xffffffff);
}
