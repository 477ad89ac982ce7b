// SPDX-License-Identifier: Apache-2.0
import { NLMSG_HEADER_BYTES } from './message.ts';

const NLA_F_NESTED = 0x8000;
const LENGTH_MASK = 0xffff;
const ATTRIBUTE_HEADER_BYTES = 4;
const WORD = 4;

/**
 * Writes many messages into one datagram, without an object for each attribute. Everything in netlink stands at multiples of four
 * octets, so it is written word by word, in the order of the hosts that we run on, little-endian. Numbers in attributes are in
 * network order. The memory is used again for the next datagram.
 */
export class MessageWriter {
  #bytes: Uint8Array;
  #words: Int32Array;
  #at = 0;

  constructor(bytes: number = 64 * 1024) {
    this.#bytes = new Uint8Array(padded(bytes));
    this.#words = new Int32Array(this.#bytes.buffer);
  }

  /** What was written since `reset`; valid until the next write. */
  get datagram(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
  }

  /**
   * Begins a message of the netfilter kind: netlink's header, then family, version 0 and resource 0.
   * @returns for `endMessage`
   */
  beginMessage(type: number, flags: number, sequence: number, family: number): number {
    const start = this.#room(NLMSG_HEADER_BYTES + WORD);
    const word = start >> 2;
    const words = this.#words;
    words[word + 1] = type | (flags << 16);
    words[word + 2] = sequence;
    words[word + 3] = 0;
    words[word + 4] = family;
    return start;
  }

  endMessage(start: number): void {
    this.#words[start >> 2] = this.#at - start;
  }

  /** Begins an attribute that holds others. @returns for `end` */
  begin(type: number): number {
    const start = this.#room(ATTRIBUTE_HEADER_BYTES);
    this.#words[start >> 2] = (type | NLA_F_NESTED) << 16;
    return start;
  }

  end(start: number): void {
    const word = start >> 2;
    this.#words[word] = (this.#words[word] ?? 0) | ((this.#at - start) & LENGTH_MASK);
  }

  u8(type: number, value: number): void {
    this.#word(type, 1, value & 0xff);
  }

  u16(type: number, value: number): void {
    this.#word(type, 2, ((value & 0xff) << 8) | ((value >> 8) & 0xff));
  }

  u32(type: number, value: number): void {
    this.#word(type, 4, swapped(value));
  }

  i32(type: number, value: number): void {
    this.#word(type, 4, swapped(value));
  }

  bytes(type: number, value: Uint8Array): void {
    const { length } = value;
    const start = this.#room(ATTRIBUTE_HEADER_BYTES + length);
    // The padding: at most the last word is not whole.
    if ((length & 3) !== 0) this.#words[(this.#at >> 2) - 1] = 0;
    this.#words[start >> 2] = (ATTRIBUTE_HEADER_BYTES + length) | (type << 16);
    const bytes = this.#bytes;
    const at = start + ATTRIBUTE_HEADER_BYTES;
    // Addresses are short: a call takes longer than this.
    if (length > 16) bytes.set(value, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = value[i] ?? 0;
  }

  /** A string with its final zero. */
  text(type: number, value: string): void {
    this.bytes(type, new TextEncoder().encode(`${value}\0`));
  }

  #word(type: number, length: number, value: number): void {
    const word = this.#room(ATTRIBUTE_HEADER_BYTES + WORD) >> 2;
    this.#words[word] = (ATTRIBUTE_HEADER_BYTES + length) | (type << 16);
    this.#words[word + 1] = value;
  }

  /** Takes `count` octets and the padding behind them. */
  #room(count: number): number {
    const start = this.#at;
    const end = start + padded(count);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#words = new Int32Array(larger.buffer);
    }
    this.#at = end;
    return start;
  }
}

function padded(count: number): number {
  return (count + WORD - 1) & ~(WORD - 1);
}

function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
