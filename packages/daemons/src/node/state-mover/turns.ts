// SPDX-License-Identifier: Apache-2.0

/** Somebody may go on only when it is its turn: each `give` lets one `take` through. */
export class Turns {
  #given = 0;
  #waiting: (() => void) | null = null;

  give(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#given += 1;
    else waiting();
  }

  /** One at a time. @throws The reason of the signal */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#given > 0) {
      this.#given -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = null;
        reject(signal.reason as Error);
      };
      this.#waiting = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
