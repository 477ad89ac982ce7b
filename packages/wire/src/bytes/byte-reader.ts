// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8 } from './utf8.ts';
import { WireError } from './wire-error.ts';

/**
 * Reads a bounded view in network order and owns the offset. A read beyond the view throws `WireError`
 * with code `short`; it never clamps. Views handed out share memory with the input.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;
  #at = 0;
  #end: number;

  /** `base` is what `offset` starts from: the place of `bytes` in a larger input. `view` is for `sub`. */
  constructor(bytes: Uint8Array, base = 0, view?: DataView) {
    // Of Node's buffers, which come from sockets, a `slice` of what is read would be no copy, and keep all of them.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = view ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
    this.#end = bytes.length;
  }

  /** Octets from the start of the outermost input, for error messages. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Octets left in this view. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Signed 32-bit integer, two's complement. */
  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** The next `count` octets, sharing memory with the input. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** All octets that are left, sharing memory with the input. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** The next `count` octets as strict UTF-8 text. */
  utf8(count: number): string {
    const offset = this.offset;
    return decodeUtf8(this.bytes(count), offset);
  }

  /** A reader over exactly the next `count` octets; this reader goes on behind them. */
  sub(count: number): ByteReader {
    const at = this.#take(count);
    // Bounds of its own over the same views: views of a part would be most of the cost of reading it.
    const inner = new ByteReader(this.#bytes, this.#base, this.#view);
    inner.#at = at;
    inner.#end = at + count;
    return inner;
  }

  /** `count` octets from `offset` on, read already or not, within the input of the outermost reader. */
  octetsAt(offset: number, count: number): Uint8Array {
    const at = offset - this.#base;
    return this.#bytes.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Throws `trailing` when octets are left. */
  expectEnd(): void {
    if (this.remaining > 0) {
      throw new WireError('trailing', this.offset, `${this.remaining} octets left over`);
    }
  }

  #take(count: number): number {
    if (count < 0 || count > this.#end - this.#at) {
      throw new WireError('short', this.offset, `need ${count} octets, have ${this.remaining}`);
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
