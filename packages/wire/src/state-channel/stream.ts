// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import { CHUNK_CODE, decodeState } from './codec.ts';
import { STATE_CHUNK_BYTES_MAX, STATE_HEADER_BYTES, stateFrameBytes } from './frame.ts';
import type { StateMessage } from './messages.ts';

/** Octets of a chunk's frame before those of the state: length and type. */
export const STATE_CHUNK_HEADER_BYTES: number = STATE_HEADER_BYTES + 1;

/** What goes before `bytes` octets of state: together a frame. Throws `WireError` (`limit`). */
export function chunkHeader(bytes: number): Uint8Array {
  if (!(bytes > 0 && bytes <= STATE_CHUNK_BYTES_MAX))
    throw new WireError('limit', 0, `a chunk of ${bytes} octets`);
  const length = bytes + 1;
  return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length, CHUNK_CODE);
}

/**
 * Reads messages from a stream as it comes. The octets of a chunk are given as they come, as several chunks where they
 * come in pieces, and are never put together; of any other message less than one frame is kept.
 */
export class StateStreamReader {
  /** Of a frame that is not whole: its header and type, then all of it. */
  #frame: Uint8Array = new Uint8Array(STATE_CHUNK_HEADER_BYTES);
  #filled = 0;
  /** Octets of a chunk that are still to come. */
  #chunkLeft = 0;

  /**
   * Takes octets and gives messages, whose octets share memory with them.
   * @throws WireError The stream is beyond repair; no further call is allowed
   */
  *push(octets: Uint8Array): Generator<StateMessage, void> {
    for (let at = 0; at < octets.length; ) {
      if (this.#chunkLeft > 0) {
        const piece = octets.subarray(at, at + this.#chunkLeft);
        this.#chunkLeft -= piece.length;
        at += piece.length;
        yield { type: 'chunk', octets: piece };
        continue;
      }
      const taken = octets.subarray(at, at + this.#frame.length - this.#filled);
      this.#frame.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (this.#filled < this.#frame.length) return;
      const message = this.#message();
      if (message !== null) yield message;
    }
  }

  /** Null: there is more to come of it. */
  #message(): StateMessage | null {
    const frame = this.#frame;
    const total = stateFrameBytes(frame.subarray(0, STATE_HEADER_BYTES));
    const isChunk = frame[STATE_HEADER_BYTES] === CHUNK_CODE;
    if (total === frame.length || (isChunk && total > STATE_CHUNK_HEADER_BYTES)) {
      this.#frame = new Uint8Array(STATE_CHUNK_HEADER_BYTES);
      this.#filled = 0;
      if (total === frame.length) return decodeState(frame);
      this.#chunkLeft = total - STATE_CHUNK_HEADER_BYTES;
      return null;
    }
    this.#frame = new Uint8Array(total);
    this.#frame.set(frame);
    return null;
  }
}
