// SPDX-License-Identifier: Apache-2.0
const NLA_TYPE_MASK = 0x3fff;
const HEADER_BYTES = 4;

/**
 * Walks attributes in place, for listings of a hundred thousand entries, where a map for each would be most of the work.
 * What does not fit ends the walk. Numbers are in network order; one that is too short for its type reads as 0.
 */
export class AttributeReader {
  readonly #bytes: Uint8Array;
  #next: number;
  readonly #end: number;
  #type = 0;
  #at = 0;
  #length = 0;

  /** `from` and `end` bound the attributes within `bytes`. */
  constructor(bytes: Uint8Array, from = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#next = from;
    this.#end = end;
  }

  /** Goes to the next attribute; false at the end. */
  next(): boolean {
    const at = this.#next;
    if (at + HEADER_BYTES > this.#end) return false;
    // By octets: a view of each message would cost more than all of its numbers.
    const bytes = this.#bytes;
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (length < HEADER_BYTES || at + length > this.#end) return false;
    this.#type = ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)) & NLA_TYPE_MASK;
    this.#at = at + HEADER_BYTES;
    this.#length = length - HEADER_BYTES;
    this.#next = at + ((length + 3) & ~3);
    return true;
  }

  get type(): number {
    return this.#type;
  }

  /** Octets of the present attribute's payload. */
  get length(): number {
    return this.#length;
  }

  u8(): number {
    return this.#length < 1 ? 0 : (this.#bytes[this.#at] ?? 0);
  }

  u16(): number {
    return this.#length < 2 ? 0 : ((this.#bytes[this.#at] ?? 0) << 8) | (this.#bytes[this.#at + 1] ?? 0);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    if (this.#length < 4) return 0;
    const bytes = this.#bytes;
    const at = this.#at;
    const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
    return high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }

  u64(): bigint {
    if (this.#length < 8) return 0n;
    const { buffer, byteOffset } = this.#bytes;
    return new DataView(buffer, byteOffset + this.#at, 8).getBigUint64(0);
  }

  /** The payload, sharing memory with the message. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#at + this.#length);
  }

  /** The attributes within the present one. */
  inside(): AttributeReader {
    return new AttributeReader(this.#bytes, this.#at, this.#at + this.#length);
  }
}
