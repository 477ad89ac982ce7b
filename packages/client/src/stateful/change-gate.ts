// SPDX-License-Identifier: Apache-2.0
import { PoolError } from '../pool-error.ts';

/** Lets changes through, or holds them back while nothing may change. */
export class ChangeGate {
  readonly #waitingMax: number;
  readonly #waiting = new Set<{ readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  #running = 0;
  #closed = false;
  #ended: Error | null = null;
  #idle: (() => void)[] = [];

  /** @param waitingMax Changes held back at once; more fail with `overloaded`. */
  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async run<Result>(change: () => Result | Promise<Result>): Promise<Result> {
    // Not once: it may be closed again before our turn comes.
    while (this.#closed) await this.#wait();
    this.#running += 1;
    try {
      return await change();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Resolves when what was under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  open(): void {
    this.#closed = false;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Nobody will open it any more: what waits fails, and so does what comes while it is closed. */
  end(error: Error): void {
    this.#ended = error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  #wait(): Promise<void> {
    if (this.#ended) throw this.#ended;
    if (this.#waiting.size >= this.#waitingMax)
      throw new PoolError('overloaded', `${this.#waitingMax} changes wait until the function goes on`);
    return new Promise((resolve, reject) => {
      this.#waiting.add({ resolve, reject });
    });
  }
}
