// SPDX-License-Identifier: Apache-2.0

/** Children of a node: their ranks are one read from memory. */
const WIDTH = 4;

/** What a heap may hold. */
export interface Ranked {
  /** Where the heap keeps it; the heap's own. */
  place: number;
}

/** Numbers of a node: rank, sequence, slot, step. Side by side, so that they are one read from memory as well. */
const NODE = 4;

/**
 * Things in a heap: the lowest rank on top, of equal ranks the lowest sequence. Every operation costs at most the
 * logarithm of the size.
 *
 * Things stand still and only numbers move: each has a slot, which is its `place`, and the nodes of the heap name slots.
 * Going down reads a few neighbouring numbers a level, and touches no other thing: with a hundred thousand of them, each
 * one touched is a wait for memory. For the same reason a node also holds a number for the owner of the heap, its
 * `step`: what the next rank depends on. The arrays keep the room of the largest size.
 */
export class RankHeap<C extends Ranked> {
  /** By slot. */
  #items: (C | undefined)[] = [];
  /** By slot: the node. */
  #positions: number[] = [];
  /** The nodes, from the top; those behind the end of the heap name the free slots. */
  #nodes: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get top(): C | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#slotAt(0)];
  }

  /** Of one that is in the heap. */
  rankOf({ place }: C): number {
    return this.#nodes[NODE * (this.#positions[place] as number)] as number;
  }

  sequenceOf({ place }: C): number {
    return this.#nodes[NODE * (this.#positions[place] as number) + 1] as number;
  }

  stepOf({ place }: C): number {
    return this.#nodes[NODE * (this.#positions[place] as number) + 3] as number;
  }

  add(item: C, rank: number, sequence: number, step = 0): void {
    const at = this.#size++;
    if (this.#items.length === at) this.#makeRoom(item, rank, sequence);
    const slot = this.#slotAt(at);
    item.place = slot;
    this.#items[slot] = item;
    this.#up(slot, rank, sequence, step, at);
  }

  /** Puts one where its new rank and sequence belong. */
  move({ place }: C, rank: number, sequence: number, step = 0): void {
    const at = this.#up(place, rank, sequence, step, this.#positions[place] as number);
    this.#down(place, rank, sequence, step, at);
  }

  delete({ place }: C): void {
    const last = --this.#size;
    const at = this.#positions[place] as number;
    const rank = this.#nodes[NODE * last] as number;
    const sequence = this.#nodes[NODE * last + 1] as number;
    const step = this.#nodes[NODE * last + 3] as number;
    const moved = this.#slotAt(last);
    this.#items[place] = undefined;
    this.#nodes[NODE * last + 2] = place;
    if (at === last) return;
    this.#down(moved, rank, sequence, step, this.#up(moved, rank, sequence, step, at));
  }

  /** Takes the same off every rank. */
  lower(by: number): void {
    const nodes = this.#nodes;
    for (let at = 0; at < NODE * this.#size; at += NODE) nodes[at] = (nodes[at] as number) - by;
  }

  /** The first `count`, in order; all of them stay where they are. */
  first(count: number): C[] {
    const size = this.#size;
    if (count >= size) {
      const all = Array.from({ length: size }, (_, at) => at);
      return all.toSorted((a, b) => this.#compare(a, b)).map((at) => this.#items[this.#slotAt(at)] as C);
    }
    const chosen: C[] = [];
    // Nodes that may come next, the best one last.
    const next = size > 0 ? [0] : [];
    while (chosen.length < count) {
      const at = next.pop() as number;
      chosen.push(this.#items[this.#slotAt(at)] as C);
      const end = Math.min(WIDTH * (at + 1), size - 1);
      for (let child = WIDTH * at + 1; child <= end; child++) this.#insert(next, child);
    }
    return chosen;
  }

  #insert(next: number[], node: number): void {
    let at = next.push(node) - 1;
    for (; at > 0 && this.#compare(next[at - 1] as number, node) < 0; at--) next[at] = next[at - 1] as number;
    next[at] = node;
  }

  #compare(a: number, b: number): number {
    const nodes = this.#nodes;
    return (
      (nodes[NODE * a] as number) - (nodes[NODE * b] as number) ||
      (nodes[NODE * a + 1] as number) - (nodes[NODE * b + 1] as number)
    );
  }

  #slotAt(at: number): number {
    return this.#nodes[NODE * at + 2] as number;
  }

  /** One slot more, which the node behind the end names. */
  #makeRoom(item: C, rank: number, sequence: number): void {
    const slot = this.#items.length;
    if (slot === 0) {
      // A literal takes the room of one, `push` that of 17: there may be many heaps of one.
      this.#items = [item];
      this.#positions = [0];
      this.#nodes = [rank, sequence, 0, 0];
      return;
    }
    this.#items.push(item);
    this.#positions.push(slot);
    this.#nodes.push(rank, sequence, slot, 0);
  }

  /** Moves up from `from`, which is free, as far as it must; returns where. */
  #up(slot: number, rank: number, sequence: number, step: number, from: number): number {
    const nodes = this.#nodes;
    const positions = this.#positions;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const aboveRank = nodes[NODE * above] as number;
      const aboveSequence = nodes[NODE * above + 1] as number;
      if (aboveRank < rank || (aboveRank === rank && aboveSequence < sequence)) break;
      const other = nodes[NODE * above + 2] as number;
      nodes[NODE * at] = aboveRank;
      nodes[NODE * at + 1] = aboveSequence;
      nodes[NODE * at + 2] = other;
      nodes[NODE * at + 3] = nodes[NODE * above + 3] as number;
      positions[other] = at;
      at = above;
    }
    nodes[NODE * at] = rank;
    nodes[NODE * at + 1] = sequence;
    nodes[NODE * at + 2] = slot;
    nodes[NODE * at + 3] = step;
    positions[slot] = at;
    return at;
  }

  #down(slot: number, rank: number, sequence: number, step: number, from: number): void {
    const nodes = this.#nodes;
    const positions = this.#positions;
    const size = this.#size;
    let at = from;
    for (;;) {
      let least = WIDTH * at + 1;
      if (least >= size) break;
      let leastRank = nodes[NODE * least] as number;
      const end = Math.min(least + WIDTH, size);
      for (let child = least + 1; child < end; child++) {
        const childRank = nodes[NODE * child] as number;
        if (childRank > leastRank) continue;
        if (
          childRank === leastRank &&
          (nodes[NODE * child + 1] as number) > (nodes[NODE * least + 1] as number)
        )
          continue;
        least = child;
        leastRank = childRank;
      }
      const leastSequence = nodes[NODE * least + 1] as number;
      if (rank < leastRank || (rank === leastRank && sequence < leastSequence)) break;
      const other = nodes[NODE * least + 2] as number;
      nodes[NODE * at] = leastRank;
      nodes[NODE * at + 1] = leastSequence;
      nodes[NODE * at + 2] = other;
      nodes[NODE * at + 3] = nodes[NODE * least + 3] as number;
      positions[other] = at;
      at = least;
    }
    nodes[NODE * at] = rank;
    nodes[NODE * at + 1] = sequence;
    nodes[NODE * at + 2] = slot;
    nodes[NODE * at + 3] = step;
    positions[slot] = at;
  }
}
