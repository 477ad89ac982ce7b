// SPDX-License-Identifier: Apache-2.0

/** What a heap may hold. */
export interface Ranked {
  /** Where it stands; the heap's own. */
  place: number;
}

/** Children of a node: as many ranks as one line of the processor's cache holds beside their neighbours. */
const WIDTH = 4;

/**
 * Things in a heap: the lowest rank on top, of equal ranks the lowest sequence. `place` is where one stands. Ranks
 * and sequences have arrays of their own, so that going down reads four neighbours and not four objects. Every operation
 * costs at most the logarithm of the size.
 */
export class RankHeap<C extends Ranked> {
  #items: C[] = [];
  #ranks: number[] = [];
  #sequences: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get top(): C | undefined {
    return this.#items[0];
  }

  /** Of one that is in the heap. */
  rankOf(item: C): number {
    return this.#ranks[item.place] as number;
  }

  sequenceOf(item: C): number {
    return this.#sequences[item.place] as number;
  }

  add(item: C, rank: number, sequence: number): void {
    if (this.#items.length === 0) {
      // A literal takes the room of one, `push` that of 17: there may be many heaps of one.
      this.#items = [item];
      this.#ranks = [rank];
      this.#sequences = [sequence];
      item.place = 0;
      return;
    }
    const last = this.#items.push(item) - 1;
    this.#ranks.push(rank);
    this.#sequences.push(sequence);
    this.#up(item, rank, sequence, last);
  }

  /** Puts one where its new rank and sequence belong. */
  move(item: C, rank: number, sequence: number): void {
    this.#down(item, rank, sequence, this.#up(item, rank, sequence, item.place));
  }

  delete(item: C): void {
    const last = this.#items.pop();
    const rank = this.#ranks.pop() as number;
    const sequence = this.#sequences.pop() as number;
    if (last === undefined || last === item) return;
    last.place = item.place;
    this.move(last, rank, sequence);
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
      (this.#sequences[a] as number) - (this.#sequences[b] as number)
    );
  }

  /** Moves up from `from`, which is free, as far as it must; returns where. */
  #up(item: C, rank: number, sequence: number, from: number): number {
    const items = this.#items;
    const ranks = this.#ranks;
    const sequences = this.#sequences;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const aboveRank = ranks[above] as number;
      const aboveSequence = sequences[above] as number;
      if (aboveRank < rank || (aboveRank === rank && aboveSequence < sequence)) break;
      const other = items[above] as C;
      items[at] = other;
      ranks[at] = aboveRank;
      sequences[at] = aboveSequence;
      other.place = at;
      at = above;
    }
    items[at] = item;
    ranks[at] = rank;
    sequences[at] = sequence;
    item.place = at;
    return at;
  }

  #down(item: C, rank: number, sequence: number, from: number): void {
    const items = this.#items;
    const ranks = this.#ranks;
    const sequences = this.#sequences;
    const size = items.length;
    let at = from;
    for (;;) {
      let least = WIDTH * at + 1;
      if (least >= size) break;
      let leastRank = ranks[least] as number;
      let leastSequence = sequences[least] as number;
      const end = Math.min(least + WIDTH, size);
      for (let child = least + 1; child < end; child++) {
        const childRank = ranks[child] as number;
        if (childRank > leastRank) continue;
        const childSequence = sequences[child] as number;
        if (childRank === leastRank && childSequence > leastSequence) continue;
        least = child;
        leastRank = childRank;
        leastSequence = childSequence;
      }
      if (rank < leastRank || (rank === leastRank && sequence < leastSequence)) break;
      const other = items[least] as C;
      items[at] = other;
      ranks[at] = leastRank;
      sequences[at] = leastSequence;
      other.place = at;
      at = least;
    }
    items[at] = item;
    ranks[at] = rank;
    sequences[at] = sequence;
    item.place = at;
  }
}
