// SPDX-License-Identifier: Apache-2.0

/**
 * One timer of a connection: for the first frame since it was accepted, then for each frame once begun. While we do not
 * read it stands still: the peer cannot finish what we do not take.
 */
export class FrameTimer {
  readonly #timeoutMs: number;
  readonly #onTimeout: (what: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #armed = false;
  #held = false;

  constructor(timeoutMs: number, onTimeout: (what: string) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  /** A timer that runs already goes on. */
  arm(): void {
    this.#armed = true;
    this.#run();
  }

  disarm(): void {
    this.#armed = false;
    this.#stop();
  }

  /** Whether reading is paused; the time begins anew afterwards. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#stop();
    else if (this.#armed) this.#run();
  }

  #run(): void {
    if (this.#held || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => this.#onTimeout(`no whole frame within ${this.#timeoutMs} ms`),
      this.#timeoutMs,
    );
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
