// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from './utf8.ts';
import { WireError } from './wire-error.ts';

/**
 * Writes in network order into a buffer that grows up to a limit. A value out of a field's range throws
 * `WireError` with code `value`, growth beyond the limit one with code `limit`.
 */
export class ByteWriter {
  readonly #limitBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  /** `limitBytes`: at most this many octets may be written. */
  constructor(limitBytes = 0x1_0000_0000) {
    this.#limitBytes = limitBytes;
    this.#bytes = new Uint8Array(128);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Octets written so far. */
  get length(): number {
    return this.#at;
  }

  u8(value: number): this {
    this.#check(value, 0, 0xff);
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    this.#check(value, 0, 0xffff);
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    this.#check(value, 0, 0xffffffff);
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
      throw new WireError('value', this.#at, `${value} is not an unsigned 64-bit integer`);
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
    return this.bytes(encodeUtf8(text, this.#at));
  }

  /** Appends `count` zero octets. */
  zeros(count: number): this {
    this.#grow(count);
    return this;
  }

  /** Appends zero octets up to the next multiple of `multiple`. */
  pad(multiple: number): this {
    return this.zeros((multiple - (this.#at % multiple)) % multiple);
  }

  /** Overwrites a 16-bit field written before, for lengths known only at the end. */
  patchU16(at: number, value: number): this {
    this.#check(value, 0, 0xffff);
    this.#written(at, 2);
    this.#view.setUint16(at, value);
    return this;
  }

  /** Overwrites a 32-bit field written before. */
  patchU32(at: number, value: number): this {
    this.#check(value, 0, 0xffffffff);
    this.#written(at, 4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #check(value: number, min: number, max: number): void {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new WireError('value', this.#at, `${value} is not an integer from ${min} to ${max}`);
    }
  }

  #written(at: number, count: number): void {
    if (at < 0 || at + count > this.#at) {
      throw new WireError('short', at, `cannot patch ${count} octets of ${this.#at} written`);
    }
  }

  /** Makes room and returns where it starts. To be called before `#bytes` or `#view` is touched: it may replace both. */
  #grow(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#limitBytes) {
      throw new WireError('limit', at, `${end} octets exceed the limit of ${this.#limitBytes}`);
    }
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#at = end;
    return at;
  }
}
