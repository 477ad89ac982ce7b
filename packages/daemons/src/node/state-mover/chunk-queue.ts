// SPDX-License-Identifier: Apache-2.0

/**
 * Octets on their way to a function. Bounded by whoever pushes: the state channel lets its peer send no more than what
 * `onTaken` has told, and a window.
 */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  readonly #onTaken: (bytes: number) => void;
  #over = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#awake();
  }

  /** There is nothing more. */
  end(): void {
    this.#over = true;
    this.#awake();
  }

  /** What comes next is this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#awake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        // Asked for the next: this one is where it belongs.
        this.#onTaken(chunk.length);
      } else if (this.#over) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
