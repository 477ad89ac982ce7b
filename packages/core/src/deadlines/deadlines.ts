// SPDX-License-Identifier: Apache-2.0
import { RankHeap } from '../heap/rank-heap.ts';

/** One armed timer. */
export interface Deadline<Owner, Timer extends string> {
  readonly owner: Owner;
  readonly timer: Timer;
  readonly atMs: number;
}

interface Entry<Owner, Timer extends string> extends Deadline<Owner, Timer> {
  atMs: number;
  /** Where the heap keeps it. */
  place: number;
  /** Another timer of the same owner. */
  next: Entry<Owner, Timer> | undefined;
}

/**
 * Named timers of many owners: each owner has at most one of each name, and only a few names. A heap that holds the
 * armed timers and nothing else: arming, arming anew and clearing cost at most the logarithm of their number.
 */
export class Deadlines<Owner extends object, Timer extends string> {
  readonly #heap = new RankHeap<Entry<Owner, Timer>>();
  readonly #owners = new Map<Owner, Entry<Owner, Timer>>();
  /** Equal times fire in the order in which they were armed. */
  #sequence = 0;

  /** Arms a timer; one of that name that was armed before is forgotten. */
  set(owner: Owner, timer: Timer, atMs: number): void {
    const first = this.#owners.get(owner);
    const armed = find(first, timer);
    if (armed !== undefined) {
      armed.atMs = atMs;
      this.#heap.move(armed, atMs, this.#sequence++);
      return;
    }
    const entry = { owner, timer, atMs, place: 0, next: first };
    this.#owners.set(owner, entry);
    this.#heap.add(entry, atMs, this.#sequence++);
  }

  /** When this timer is due; undefined: not armed. */
  get(owner: Owner, timer: Timer): number | undefined {
    return find(this.#owners.get(owner), timer)?.atMs;
  }

  clear(owner: Owner, timer: Timer): void {
    const first = this.#owners.get(owner);
    const entry = find(first, timer);
    if (entry === undefined) return;
    this.#heap.delete(entry);
    if (entry !== first) {
      let before = first;
      while (before !== undefined && before.next !== entry) before = before.next;
      if (before !== undefined) before.next = entry.next;
    } else if (entry.next === undefined) this.#owners.delete(owner);
    else this.#owners.set(owner, entry.next);
  }

  /** Clears every timer of this owner. */
  clearAll(owner: Owner): void {
    let entry = this.#owners.get(owner);
    if (entry === undefined) return;
    this.#owners.delete(owner);
    for (; entry !== undefined; entry = entry.next) this.#heap.delete(entry);
  }

  /** The earliest time at which a timer is due; undefined: none is armed. */
  next(): number | undefined {
    return this.#heap.top?.atMs;
  }

  /** Takes the earliest timer that is due at `nowMs`; it is not armed any more. */
  take(nowMs: number): Deadline<Owner, Timer> | undefined {
    const first = this.#heap.top;
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.clear(first.owner, first.timer);
    return first;
  }
}

function find<Owner, Timer extends string>(
  first: Entry<Owner, Timer> | undefined,
  timer: Timer,
): Entry<Owner, Timer> | undefined {
  let entry = first;
  while (entry !== undefined && entry.timer !== timer) entry = entry.next;
  return entry;
}
