// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import { FUNCTION_BLOCK_BYTES_MAX } from './bounds.ts';

/*
 * Octets of a state on a data socket: blocks, so that a stream that breaks off is told from one that is complete.
 *
 *     length (4, big-endian) | length octets      any number of times; at most 1 MiB each
 *     0 (4)                                       the end
 */

/** Header of a block, or the end for 0. */
export function blockHeader(bytes: number): Uint8Array {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > FUNCTION_BLOCK_BYTES_MAX)
    throw new WireError('limit', 0, `a block has at most ${FUNCTION_BLOCK_BYTES_MAX} octets, not ${bytes}`);
  return Uint8Array.of(bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes);
}

/** Takes the headers out of a stream of blocks; keeps nothing but four octets. */
export class BlockReader {
  #header = 0;
  #headerBytes = 0;
  #left = 0;
  #ended = false;

  /** Whether the end was read: what came is complete. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Takes octets and gives those of blocks, which share memory.
   * @throws WireError `limit` for a block that is too long, `trailing` for octets behind the end
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#ended) throw new WireError('trailing', at, 'octets behind the last block');
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        this.#left -= part.length;
        at += part.length;
        yield part;
        continue;
      }
      this.#header = this.#header * 256 + (chunk[at] ?? 0);
      this.#headerBytes += 1;
      at += 1;
      if (this.#headerBytes === 4) this.#begin(at);
    }
  }

  #begin(at: number): void {
    const bytes = this.#header;
    this.#header = 0;
    this.#headerBytes = 0;
    if (bytes > FUNCTION_BLOCK_BYTES_MAX)
      throw new WireError('limit', at, `a block of ${bytes} octets is more than ${FUNCTION_BLOCK_BYTES_MAX}`);
    if (bytes === 0) this.#ended = true;
    else this.#left = bytes;
  }
}
