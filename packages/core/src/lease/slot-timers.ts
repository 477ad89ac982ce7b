// SPDX-License-Identifier: Apache-2.0
import { RankHeap } from '../heap/rank-heap.ts';

/** What has a moment at which it wants to be called; in the hands of one set of timers. */
export interface Timed {
  /** Undefined: never, unless something happens to it. */
  wakeMs(): number | undefined;
  /** Where it stands; for the timers alone. A thousand owners change it with every renewal, which is too often for a table. */
  moment: Moment | undefined;
}

/** Those that share a moment, as slots that are renewed together do. */
export interface Moment {
  readonly atMs: number;
  /** In the order in which they came; one that stands elsewhere now has left, though it is still named here. */
  owners: Timed[];
  /** Before that one, all have left. */
  first: number;
  /** Those that have not left. */
  count: number;
  place: number;
}

/** Names of those that have left are taken out when there are more of them than of the others, and than this. */
const LEFT_MAX = 64;

/**
 * When each slot wants to be called, the earliest on top. An owner may stand too early, never too late: that its moment was
 * put off, as every renewal does, is seen when it comes to the top.
 */
export class SlotTimers<Owner extends Timed> {
  readonly #heap = new RankHeap<Moment>();
  /** By time; each has an owner at least. */
  readonly #moments = new Map<number, Moment>();

  /** To be called after everything that may have brought an owner's moment forward. */
  update(owner: Owner): void {
    const atMs = owner.wakeMs();
    const { moment } = owner;
    if (atMs === undefined || (moment !== undefined && moment.atMs <= atMs)) return;
    this.delete(owner);
    this.#add(owner, atMs);
  }

  delete(owner: Owner): void {
    const { moment } = owner;
    if (moment === undefined) return;
    owner.moment = undefined;
    moment.count--;
    if (moment.count === 0) this.#drop(moment);
  }

  /** The earliest moment. */
  next(): number | undefined {
    for (let top = this.#heap.top; top !== undefined; top = this.#heap.top) {
      for (; top.first < top.owners.length; top.first++) {
        const owner = top.owners[top.first] as Owner;
        if (owner.moment !== top) continue;
        if (owner.wakeMs() === top.atMs) return top.atMs;
        this.delete(owner);
        this.update(owner);
      }
    }
    return undefined;
  }

  /** Takes out those whose moment has come; to be given back by `update`. */
  takeDue(nowMs: number): Owner[] {
    const due: Owner[] = [];
    for (let atMs = this.next(); atMs !== undefined && atMs <= nowMs; atMs = this.next()) {
      const moment = this.#moments.get(atMs) as Moment;
      this.#drop(moment);
      for (const owner of moment.owners as Owner[]) {
        if (owner.moment !== moment) continue;
        owner.moment = undefined;
        if (owner.wakeMs() === atMs) due.push(owner);
        else this.update(owner);
      }
    }
    return due;
  }

  #add(owner: Owner, atMs: number): void {
    let moment = this.#moments.get(atMs);
    if (moment === undefined) {
      moment = { atMs, owners: [], first: 0, count: 0, place: 0 };
      this.#moments.set(atMs, moment);
      this.#heap.add(moment, atMs, 0);
    }
    if (moment.owners.length > 2 * moment.count + LEFT_MAX) tidy(moment);
    moment.owners.push(owner);
    moment.count++;
    owner.moment = moment;
  }

  #drop(moment: Moment): void {
    this.#moments.delete(moment.atMs);
    this.#heap.delete(moment);
  }
}

/** Whoever left and came back is named twice, of which the first place is kept. */
function tidy(moment: Moment): void {
  const all = moment.owners.slice(moment.first);
  moment.owners = [...new Set(all.filter((owner) => owner.moment === moment))];
  moment.first = 0;
}
