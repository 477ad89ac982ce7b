// SPDX-License-Identifier: Apache-2.0
import { FrameError } from '../framing/frame-rule.ts';

/** Puts user messages together that the kernel handed over in parts. */
export class MessageAssembly {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** True within a message: some of it has come and some has not. */
  get midMessage(): boolean {
    return this.#bytes > 0;
  }

  /**
   * Takes a part, which it copies, and gives the whole message with its last one.
   * @throws FrameError `frame-too-large`, as soon as it is; no further call is allowed
   */
  add(part: Uint8Array, isLast: boolean): Uint8Array | null {
    const bytes = this.#bytes + part.length;
    if (bytes > this.#bytesMax) {
      throw new FrameError(
        'frame-too-large',
        `a message of ${isLast ? '' : 'at least '}${bytes} octets, at most ${this.#bytesMax} are admitted`,
      );
    }
    const copy = new Uint8Array(part);
    if (isLast && this.#bytes === 0) return copy;
    this.#parts.push(copy);
    this.#bytes = bytes;
    if (!isLast) return null;
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const each of this.#parts) {
      whole.set(each, at);
      at += each.length;
    }
    this.drop();
    return whole;
  }

  /** Forgets what has come of a message whose rest does not come. */
  drop(): void {
    this.#parts = [];
    this.#bytes = 0;
  }
}
