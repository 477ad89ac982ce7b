// SPDX-License-Identifier: Apache-2.0
import { RankHeap } from '../heap/rank-heap.ts';

/** What has a moment at which it wants to be called. */
interface Timed {
  /** Undefined: never, unless something happens to it. */
  wakeMs(): number | undefined;
}

/** Those that share a moment, as slots that are renewed together do. */
interface Moment<Owner> {
  readonly atMs: number;
  readonly owners: Set<Owner>;
  place: number;
}

/**
 * When each slot wants to be called, the earliest on top. An owner may stand too early, never too late: that its moment was
 * put off, as every renewal does, is seen when it comes to the top.
 */
export class SlotTimers<Owner extends Timed> {
  readonly #heap = new RankHeap<Moment<Owner>>();
  /** By time; each has an owner at least. */
  readonly #moments = new Map<number, Moment<Owner>>();
  readonly #places = new Map<Owner, Moment<Owner>>();

  /** To be called after everything that may have brought an owner's moment forward. */
  update(owner: Owner): void {
    const atMs = owner.wakeMs();
    if (atMs === undefined) return;
    const place = this.#places.get(owner);
    if (place !== undefined && place.atMs <= atMs) return;
    if (place !== undefined) this.#remove(owner, place);
    this.#add(owner, atMs);
  }

  delete(owner: Owner): void {
    const place = this.#places.get(owner);
    if (place !== undefined) this.#remove(owner, place);
  }

  /** The earliest moment. */
  next(): number | undefined {
    for (let top = this.#heap.top; top !== undefined; top = this.#heap.top) {
      for (const owner of top.owners) {
        if (owner.wakeMs() === top.atMs) return top.atMs;
        this.#remove(owner, top);
        this.update(owner);
      }
    }
    return undefined;
  }

  /** Takes out those whose moment has come; to be given back by `update`. */
  takeDue(nowMs: number): Owner[] {
    const due: Owner[] = [];
    for (let atMs = this.next(); atMs !== undefined && atMs <= nowMs; atMs = this.next()) {
      const moment = this.#moments.get(atMs) as Moment<Owner>;
      this.#drop(moment);
      for (const owner of moment.owners) {
        this.#places.delete(owner);
        if (owner.wakeMs() === atMs) due.push(owner);
        else this.update(owner);
      }
    }
    return due;
  }

  #add(owner: Owner, atMs: number): void {
    let moment = this.#moments.get(atMs);
    if (moment === undefined) {
      moment = { atMs, owners: new Set(), place: 0 };
      this.#moments.set(atMs, moment);
      this.#heap.add(moment, atMs, 0);
    }
    moment.owners.add(owner);
    this.#places.set(owner, moment);
  }

  #remove(owner: Owner, moment: Moment<Owner>): void {
    this.#places.delete(owner);
    moment.owners.delete(owner);
    if (moment.owners.size === 0) this.#drop(moment);
  }

  #drop(moment: Moment<Owner>): void {
    this.#moments.delete(moment.atMs);
    this.#heap.delete(moment);
  }
}
