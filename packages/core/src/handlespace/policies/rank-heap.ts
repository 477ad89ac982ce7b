// SPDX-License-Identifier: Apache-2.0
import type { Candidate } from './selector.ts';

/** Children of a node: as many ranks as one line of the processor's cache holds beside their neighbours. */
const WIDTH = 4;

/**
 * Candidates in a heap: the lowest rank on top, of equal ranks the lowest `sequence`. `place` is where one stands. The
 * ranks have an array of their own, so that going down reads four neighbours and not four objects.
 */
export class RankHeap<C extends Candidate> {
  readonly #items: C[] = [];
  readonly #ranks: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get top(): C | undefined {
    return this.#items[0];
  }

  /** Of one that is in the heap. */
  rankOf(candidate: C): number {
    return this.#ranks[candidate.place] as number;
  }

  add(candidate: C, rank: number): void {
    const last = this.#items.push(candidate) - 1;
    this.#ranks.push(rank);
    this.#up(candidate, rank, last);
  }

  /** Puts one where its new rank, or its new sequence, belongs. */
  move(candidate: C, rank: number): void {
    this.#down(candidate, rank, this.#up(candidate, rank, candidate.place));
  }

  delete(candidate: C): void {
    const last = this.#items.pop();
    const rank = this.#ranks.pop();
    if (last === undefined || rank === undefined || last === candidate) return;
    last.place = candidate.place;
    this.move(last, rank);
  }

  /** Takes the same off every rank. */
  lower(by: number): void {
    for (let at = 0; at < this.#ranks.length; at++) this.#ranks[at] = (this.#ranks[at] as number) - by;
  }

  /** The first `count`, in order; all of them stay where they are. */
  first(count: number): C[] {
    const items = this.#items;
    if (count >= items.length) return items.toSorted((a, b) => this.#compare(a.place, b.place));
    const chosen: C[] = [];
    // Places that may come next, the best one last.
    const next = items.length > 0 ? [0] : [];
    while (chosen.length < count) {
      const at = next.pop() as number;
      chosen.push(items[at] as C);
      const end = Math.min(WIDTH * (at + 1), items.length - 1);
      for (let child = WIDTH * at + 1; child <= end; child++) this.#insert(next, child);
    }
    return chosen;
  }

  #insert(next: number[], place: number): void {
    let at = next.push(place) - 1;
    for (; at > 0 && this.#compare(next[at - 1] as number, place) < 0; at--)
      next[at] = next[at - 1] as number;
    next[at] = place;
  }

  #compare(a: number, b: number): number {
    return (
      (this.#ranks[a] as number) - (this.#ranks[b] as number) ||
      (this.#items[a] as C).sequence - (this.#items[b] as C).sequence
    );
  }

  /** Moves up from `from`, which is free, as far as it must; returns where. */
  #up(candidate: C, rank: number, from: number): number {
    const items = this.#items;
    const ranks = this.#ranks;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const other = items[above] as C;
      const otherRank = ranks[above] as number;
      if (otherRank < rank || (otherRank === rank && other.sequence < candidate.sequence)) break;
      items[at] = other;
      ranks[at] = otherRank;
      other.place = at;
      at = above;
    }
    items[at] = candidate;
    ranks[at] = rank;
    candidate.place = at;
    return at;
  }

  #down(candidate: C, rank: number, from: number): void {
    const items = this.#items;
    const ranks = this.#ranks;
    const size = items.length;
    let at = from;
    for (;;) {
      let least = WIDTH * at + 1;
      if (least >= size) break;
      let leastRank = ranks[least] as number;
      const end = Math.min(least + WIDTH, size);
      for (let child = least + 1; child < end; child++) {
        const childRank = ranks[child] as number;
        if (childRank > leastRank) continue;
        if (childRank === leastRank && (items[child] as C).sequence > (items[least] as C).sequence) continue;
        least = child;
        leastRank = childRank;
      }
      const other = items[least] as C;
      if (rank < leastRank || (rank === leastRank && candidate.sequence < other.sequence)) break;
      items[at] = other;
      ranks[at] = leastRank;
      other.place = at;
      at = least;
    }
    items[at] = candidate;
    ranks[at] = rank;
    candidate.place = at;
  }
}
