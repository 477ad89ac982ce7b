// SPDX-License-Identifier: Apache-2.0
import { FrameError, type FrameRule, unframed } from './frame-rule.ts';

/**
 * Cuts chunks of any size into frames.
 *
 * A frame that lies within one chunk is a view of it; only a frame spread over chunks is copied, each octet
 * once, into a buffer allocated when its length is known. `feed` a chunk, then call `next` until it returns
 * null.
 */
export class Framer {
  readonly #rule: FrameRule;
  readonly #header: Uint8Array;
  #headerFilled = 0;
  /** The frame being put together; null while its header is incomplete. */
  #frame: Uint8Array | null = null;
  #frameFilled = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(rule: FrameRule) {
    this.#rule = rule;
    this.#header = new Uint8Array(rule.headerBytes);
  }

  /** True within a frame: some of its octets have come and some have not. */
  get midFrame(): boolean {
    return this.#headerFilled > 0 || this.#frame !== null || this.#offset < this.#chunk.length;
  }

  /** Adds the next chunk. The chunk before must have been used up. */
  feed(chunk: Uint8Array): void {
    if (this.#offset < this.#chunk.length) throw new RangeError('feed before the last chunk was used up');
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next whole frame, or null when more octets are needed.
   * @throws FrameError The stream is beyond repair; no further call is allowed.
   */
  next(): Uint8Array | null {
    if (this.#rule === unframed) return this.#rest();
    if (this.#frame !== null) return this.#fill(this.#frame);
    const { headerBytes } = this.#rule;
    const left = this.#chunk.length - this.#offset;
    if (this.#headerFilled === 0 && left >= headerBytes) {
      const size = this.#size(this.#chunk.subarray(this.#offset, this.#offset + headerBytes));
      if (size <= left) {
        const frame = this.#chunk.subarray(this.#offset, this.#offset + size);
        this.#offset += size;
        return frame;
      }
      return this.#fill(this.#begin(size));
    }
    const taken = Math.min(left, headerBytes - this.#headerFilled);
    this.#header.set(this.#chunk.subarray(this.#offset, this.#offset + taken), this.#headerFilled);
    this.#headerFilled += taken;
    this.#offset += taken;
    if (this.#headerFilled < headerBytes) return null;
    const frame = this.#begin(this.#size(this.#header));
    frame.set(this.#header);
    this.#frameFilled = headerBytes;
    this.#headerFilled = 0;
    return this.#fill(frame);
  }

  #rest(): Uint8Array | null {
    const rest = this.#chunk.subarray(this.#offset);
    this.#offset = this.#chunk.length;
    return rest.length === 0 ? null : rest;
  }

  #begin(size: number): Uint8Array {
    this.#frame = new Uint8Array(size);
    this.#frameFilled = 0;
    return this.#frame;
  }

  #fill(frame: Uint8Array): Uint8Array | null {
    const end = Math.min(this.#chunk.length, this.#offset + frame.length - this.#frameFilled);
    frame.set(this.#chunk.subarray(this.#offset, end), this.#frameFilled);
    this.#frameFilled += end - this.#offset;
    this.#offset = end;
    if (this.#frameFilled < frame.length) return null;
    this.#frame = null;
    return frame;
  }

  #size(header: Uint8Array): number {
    let size: number;
    try {
      size = this.#rule.frameBytes(header);
    } catch (error) {
      throw new FrameError('frame-malformed', error instanceof Error ? error.message : String(error), error);
    }
    if (!Number.isInteger(size) || size < this.#rule.headerBytes) {
      throw new FrameError('frame-malformed', `a header announces a frame of ${size} octets`);
    }
    if (size > this.#rule.frameBytesMax) {
      throw new FrameError(
        'frame-too-large',
        `a header announces ${size} octets, at most ${this.#rule.frameBytesMax} are admitted`,
      );
    }
    return size;
  }
}
