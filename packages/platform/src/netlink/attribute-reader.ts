// SPDX-License-Identifier: Apache-2.0
import { viewOf } from './message.ts';

const NLA_TYPE_MASK = 0x3fff;
const HEADER_BYTES = 4;

/**
 * Walks attributes in place, for listings of a hundred thousand entries, where a map for each would be most of the work.
 * What does not fit ends the walk. Numbers are in network order; one that is too short for its type reads as 0.
 */
export class AttributeReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #next: number;
  readonly #end: number;
  #type = 0;
  #at = 0;
  #length = 0;

  /** `from` and `end` bound the attributes within `bytes`; `view` spares making another of the same. */
  constructor(bytes: Uint8Array, from = 0, end: number = bytes.length, view: DataView = viewOf(bytes)) {
    this.#bytes = bytes;
    this.#view = view;
    this.#next = from;
    this.#end = end;
  }

  /** Goes to the next attribute; false at the end. */
  next(): boolean {
    const at = this.#next;
    if (at + HEADER_BYTES > this.#end) return false;
    const length = this.#view.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > this.#end) return false;
    this.#type = this.#view.getUint16(at + 2, true) & NLA_TYPE_MASK;
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
    return this.#length < 1 ? 0 : this.#view.getUint8(this.#at);
  }

  u16(): number {
    return this.#length < 2 ? 0 : this.#view.getUint16(this.#at);
  }

  u32(): number {
    return this.#length < 4 ? 0 : this.#view.getUint32(this.#at);
  }

  i32(): number {
    return this.#length < 4 ? 0 : this.#view.getInt32(this.#at);
  }

  u64(): bigint {
    return this.#length < 8 ? 0n : this.#view.getBigUint64(this.#at);
  }

  /** The payload, sharing memory with the message. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#at + this.#length);
  }

  /** The attributes within the present one. */
  inside(): AttributeReader {
    return new AttributeReader(this.#bytes, this.#at, this.#at + this.#length, this.#view);
  }
}
