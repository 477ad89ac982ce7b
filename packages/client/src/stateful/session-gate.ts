// SPDX-License-Identifier: Apache-2.0
import { PoolError } from '../pool-error.ts';

/** Lets changes of sessions through, and holds back those of a set of them, for instance of those that are moving. */
export class SessionGate<Key> {
  readonly #waitingMax: number;
  /** Changes under way, by session. */
  readonly #running = new Map<Key, number>();
  readonly #waiting = new Set<() => void>();
  #held: ReadonlySet<Key> = new Set();
  #idle: (() => void) | null = null;

  /** @param waitingMax Changes held back at once, default 1024; more fail with `overloaded`. */
  constructor(waitingMax = 1_024) {
    this.#waitingMax = waitingMax;
  }

  isHeld(key: Key): boolean {
    return this.#held.has(key);
  }

  /** Runs a change; waits while the session is held back. What it finds then may have moved away: `run` has to look. */
  async run<Result>(key: Key, run: () => Result | Promise<Result>): Promise<Result> {
    while (this.#held.has(key)) await this.#wait();
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
    try {
      return await run();
    } finally {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left > 0) this.#running.set(key, left);
      else this.#running.delete(key);
      if (this.#idle !== null && this.#isIdle()) this.#idle();
    }
  }

  /** Holds these sessions back, and lets others go on; resolves when no change of them is under way. */
  async hold(keys: ReadonlySet<Key>): Promise<void> {
    this.release();
    this.#held = keys;
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    this.#idle = null;
  }

  /** Holds nothing back. */
  release(): void {
    this.#held = new Set();
    this.#idle?.();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #isIdle(): boolean {
    for (const key of this.#running.keys()) if (this.#held.has(key)) return false;
    return true;
  }

  #wait(): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax)
      throw new PoolError('overloaded', `${this.#waitingMax} changes wait until their sessions have moved`);
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }
}
