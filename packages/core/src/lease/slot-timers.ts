// SPDX-License-Identifier: Apache-2.0
import { RankHeap } from '../heap/rank-heap.ts';

/** What has a moment at which it wants to be called. */
interface Timed {
  /** Undefined: never, unless something happens to it. */
  wakeMs(): number | undefined;
}

interface Entry<Owner> {
  readonly owner: Owner;
  place: number;
}

/**
 * When each slot wants to be called, the earliest on top. An entry may be too early, never too late: that a moment was
 * put off, as every renewal does, is seen when the entry comes to the top.
 */
export class SlotTimers<Owner extends Timed> {
  readonly #heap = new RankHeap<Entry<Owner>>();
  readonly #entries = new Map<Owner, Entry<Owner>>();

  /** To be called after everything that may have brought an owner's moment forward. */
  update(owner: Owner): void {
    const atMs = owner.wakeMs();
    if (atMs === undefined) return;
    const entry = this.#entries.get(owner);
    if (entry === undefined) this.#add(owner, atMs);
    else if (atMs < this.#heap.rankOf(entry)) this.#heap.move(entry, atMs, 0);
  }

  delete(owner: Owner): void {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return;
    this.#heap.delete(entry);
    this.#entries.delete(owner);
  }

  /** The earliest moment. */
  next(): number | undefined {
    for (let top = this.#heap.top; top !== undefined; top = this.#heap.top) {
      const atMs = top.owner.wakeMs();
      if (atMs === undefined) this.delete(top.owner);
      else if (atMs > this.#heap.rankOf(top)) this.#heap.move(top, atMs, 0);
      else return atMs;
    }
    return undefined;
  }

  /** Takes out those whose moment has come; to be given back by `update`. */
  takeDue(nowMs: number): Owner[] {
    const due: Owner[] = [];
    for (let atMs = this.next(); atMs !== undefined && atMs <= nowMs; atMs = this.next()) {
      const owner = (this.#heap.top as Entry<Owner>).owner;
      this.delete(owner);
      due.push(owner);
    }
    return due;
  }

  #add(owner: Owner, atMs: number): void {
    const entry: Entry<Owner> = { owner, place: 0 };
    this.#entries.set(owner, entry);
    this.#heap.add(entry, atMs, 0);
  }
}
