// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from './utf8.ts';
import { WireError } from './wire-error.ts';

/**
 * Writes in network order into a buffer that grows up to a limit. A value out of a field's range throws
 * `WireError` with code `value`, growth beyond the limit one with code `limit`.
 */
export class ByteWriter {
  readonly #limitBytes: number;
  readonly #blockBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  /** Where what is being written begins; everything before was taken. */
  #start = 0;
  #at = 0;

  /** `limitBytes`: at most this many octets may be written. `blockBytes`: so many are allocated at once. */
  constructor(limitBytes = 0x1_0000_0000, blockBytes = 128) {
    this.#limitBytes = limitBytes;
    this.#blockBytes = blockBytes;
    this.#bytes = new Uint8Array(blockBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Octets written so far. */
  get length(): number {
    return this.#at - this.#start;
  }

  u8(value: number): this {
    if ((value & 0xff) !== value) this.#check(value, 0, 0xff);
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    if ((value & 0xffff) !== value) this.#check(value, 0, 0xffff);
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    if (value >>> 0 !== value) this.#check(value, 0, 0xffffffff);
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** Signed 32-bit integer, two's complement. */
  i32(value: number): this {
    this.#check(value, -0x80000000, 0x7fffffff);
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  u64(value: bigint): this {
    if (value < 0n || value > 0xffffffffffffffffn) {
      throw new WireError('value', this.length, `${value} is not an unsigned 64-bit integer`);
    }
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  utf8(text: string): this {
    return this.bytes(encodeUtf8(text, this.length));
  }

  /** Appends `count` zero octets. */
  zeros(count: number): this {
    this.#grow(count);
    return this;
  }

  /** Appends zero octets up to the next multiple of `multiple`. */
  pad(multiple: number): this {
    const over = this.length % multiple;
    return over === 0 ? this : this.zeros(multiple - over);
  }

  /** Overwrites a 16-bit field written before, for lengths known only at the end. */
  patchU16(at: number, value: number): this {
    if ((value & 0xffff) !== value) this.#check(value, 0, 0xffff);
    this.#written(at, 2);
    this.#view.setUint16(this.#start + at, value);
    return this;
  }

  /** Overwrites a 32-bit field written before. */
  patchU32(at: number, value: number): this {
    this.#check(value, 0, 0xffffffff);
    this.#written(at, 4);
    this.#view.setUint32(this.#start + at, value);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(this.#start, this.#at);
  }

  /**
   * What was written, itself; the writer begins anew behind it. For many short messages: a block for all of them
   * costs less than memory of its own for each, and stays as long as one of them does.
   */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return taken;
  }

  /** Forgets what was written and not taken. */
  reset(): void {
    // Not from the same place: octets that are skipped must be 0.
    this.#start = this.#at;
  }

  #check(value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new WireError('value', this.length, `${value} is not an integer from ${min} to ${max}`);
    }
  }

  #written(at: number, count: number): void {
    if (at < 0 || at + count > this.length) {
      throw new WireError('short', at, `cannot patch ${count} octets of ${this.length} written`);
    }
  }

  /** Makes room and returns where it starts. To be called before `#bytes` or `#view` is touched: it may replace both. */
  #grow(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length || end - this.#start > this.#limitBytes) return this.#growBlock(count);
    this.#at = end;
    return at;
  }

  #growBlock(count: number): number {
    const { length } = this;
    const end = length + count;
    if (end > this.#limitBytes) {
      throw new WireError('limit', length, `${end} octets exceed the limit of ${this.#limitBytes}`);
    }
    const larger = new Uint8Array(Math.max(end, length * 2, this.#blockBytes));
    larger.set(this.#bytes.subarray(this.#start, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
    this.#start = 0;
    this.#at = end;
    return length;
  }
}
