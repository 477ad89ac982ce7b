// SPDX-License-Identifier: Apache-2.0

/** One armed timer. */
export interface Deadline<Owner, Timer extends string> {
  readonly owner: Owner;
  readonly timer: Timer;
  readonly atMs: number;
}

interface Entry<Owner, Timer extends string> extends Deadline<Owner, Timer> {
  /** Equal times fire in the order in which they were armed. */
  readonly order: number;
  live: boolean;
}

/**
 * Named timers of many owners: each owner has at most one of each name. A binary heap, from which a timer that
 * was cleared or armed anew goes when it comes to the top, or when the dead outnumber the living.
 */
export class Deadlines<Owner extends object, Timer extends string> {
  #heap: Entry<Owner, Timer>[] = [];
  readonly #armed = new Map<Owner, Map<Timer, Entry<Owner, Timer>>>();
  #order = 0;
  #live = 0;

  /** Arms a timer; one of that name that was armed before is forgotten. */
  set(owner: Owner, timer: Timer, atMs: number): void {
    this.clear(owner, timer);
    const entry = { owner, timer, atMs, order: this.#order++, live: true };
    let timers = this.#armed.get(owner);
    if (timers === undefined) {
      timers = new Map();
      this.#armed.set(owner, timers);
    }
    timers.set(timer, entry);
    this.#live += 1;
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
  }

  /** When this timer is due; undefined: not armed. */
  get(owner: Owner, timer: Timer): number | undefined {
    return this.#armed.get(owner)?.get(timer)?.atMs;
  }

  clear(owner: Owner, timer: Timer): void {
    const timers = this.#armed.get(owner);
    const entry = timers?.get(timer);
    if (timers === undefined || entry === undefined) return;
    entry.live = false;
    this.#live -= 1;
    timers.delete(timer);
    if (timers.size === 0) this.#armed.delete(owner);
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live) this.#sweep();
  }

  /** Clears every timer of this owner. */
  clearAll(owner: Owner): void {
    for (const timer of this.#armed.get(owner)?.keys() ?? []) this.clear(owner, timer);
  }

  /** The earliest time at which a timer is due; undefined: none is armed. */
  next(): number | undefined {
    this.#dropDead();
    return this.#heap[0]?.atMs;
  }

  /** Takes the earliest timer that is due at `nowMs`; it is not armed any more. */
  take(nowMs: number): Deadline<Owner, Timer> | undefined {
    this.#dropDead();
    const [first] = this.#heap;
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.clear(first.owner, first.timer);
    return first;
  }

  #dropDead(): void {
    while (this.#heap[0]?.live === false) this.#pop();
  }

  #sweep(): void {
    this.#heap = this.#heap
      .filter((entry) => entry.live)
      .toSorted((a, b) => a.atMs - b.atMs || a.order - b.order);
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(from: number): void {
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
