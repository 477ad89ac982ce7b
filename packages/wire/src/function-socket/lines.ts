// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import { FUNCTION_LINE_BYTES_MAX } from './bounds.ts';

const LINE_FEED = 10;

/** Cuts a stream of octets into lines; keeps less than one line. */
export class LineSplitter {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** @param bytesMax Octets of a line, its line feed included. */
  constructor(bytesMax: number = FUNCTION_LINE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Octets of the line that has not ended. */
  get pending(): number {
    return this.#bytes;
  }

  /**
   * Takes octets and gives each whole line, without its line feed. A line may share memory with the octets.
   * @throws WireError `limit` for a line that is too long; the splitter is of no use after that
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#keep(chunk.subarray(start, end), 1);
      start = end + 1;
      yield this.#take();
    }
    this.#keep(chunk.subarray(start), 0);
  }

  #keep(part: Uint8Array, lineFeed: 0 | 1): void {
    // A line without an end is too long once there is no place for its line feed.
    if (this.#bytes + part.length >= this.#bytesMax)
      throw new WireError('limit', this.#bytesMax, `a line has at most ${this.#bytesMax} octets`);
    // Kept longer than the call, so not shared.
    if (part.length > 0) this.#parts.push(lineFeed === 1 ? part : part.slice());
    this.#bytes += part.length;
    // A stream of single octets shall not cost an array each.
    if (this.#parts.length > 64) this.#parts = [this.#join()];
  }

  #take(): Uint8Array {
    const line = this.#join();
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #join(): Uint8Array {
    const [only] = this.#parts;
    if (only !== undefined && this.#parts.length === 1) return only;
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
