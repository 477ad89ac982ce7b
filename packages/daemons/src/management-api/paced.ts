// SPDX-License-Identifier: Apache-2.0

/**
 * Runs `action` at once when it is first asked for, and then at most once per interval; what is asked for in
 * between is done once, at the end of the interval. So nothing piles up, and the last change is never lost.
 */
export class Paced {
  readonly #intervalMs: number;
  readonly #action: () => void;
  #timer: NodeJS.Timeout | undefined;
  #wanted = false;

  constructor(intervalMs: number, action: () => void) {
    this.#intervalMs = intervalMs;
    this.#action = action;
  }

  request(): void {
    if (this.#timer !== undefined) {
      this.#wanted = true;
      return;
    }
    this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wanted = false;
  }

  #run(): void {
    this.#wanted = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#wanted) this.#run();
    }, this.#intervalMs);
    this.#timer.unref();
    this.#action();
  }
}
