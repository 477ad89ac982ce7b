// SPDX-License-Identifier: Apache-2.0
import type { StateChunks } from '../function-state/index.ts';

/** Whoever waits is woken at once from so many octets on; for fewer the others of this turn are awaited. */
const BATCH_BYTES = 262_144;

/**
 * Octets on their way to a function. Bounded by whoever pushes: the state channel lets its peer send no more than what
 * `onTaken` has told, and a window.
 */
export class ChunkQueue implements StateChunks {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Given out, and not told of. */
  #takenBytes = 0;
  readonly #onTaken: (bytes: number) => void;
  #over = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  #waking: NodeJS.Immediate | null = null;

  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= BATCH_BYTES) this.#awake();
    else if (this.#wake !== null) this.#waking ??= setImmediate(() => this.#awake());
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
      const chunk = this.more();
      if (chunk !== undefined) {
        yield chunk;
        // Asked for the next: what was given out is where it belongs.
        const bytes = this.#takenBytes;
        this.#takenBytes = 0;
        this.#onTaken(bytes);
      } else if (this.#over) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  more(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    this.#bytes -= chunk?.length ?? 0;
    this.#takenBytes += chunk?.length ?? 0;
    return chunk;
  }

  #awake(): void {
    if (this.#waking !== null) clearImmediate(this.#waking);
    this.#waking = null;
    this.#wake?.();
    this.#wake = null;
  }
}
