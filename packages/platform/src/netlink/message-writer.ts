// SPDX-License-Identifier: Apache-2.0
import { NLMSG_HEADER_BYTES, viewOf } from './message.ts';

const NLA_F_NESTED = 0x8000;
const NETLINK_HEADER_ALIGN = 4;

/**
 * Writes many messages into one datagram, without an array for each attribute. Numbers in attributes are in network
 * order. The memory is used again for the next datagram.
 */
export class MessageWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(bytes: number = 64 * 1024) {
    this.#bytes = new Uint8Array(bytes);
    this.#view = viewOf(this.#bytes);
  }

  /** What was written since `reset`; valid until the next write. */
  get datagram(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
  }

  /** A message with its fixed header and the attributes that `write` adds. */
  message(type: number, flags: number, sequence: number, header: Uint8Array, write: () => void): void {
    const start = this.#room(NLMSG_HEADER_BYTES + header.length);
    this.#view.setUint16(start + 4, type, true);
    this.#view.setUint16(start + 6, flags, true);
    this.#view.setUint32(start + 8, sequence, true);
    this.#view.setUint32(start + 12, 0, true);
    this.#bytes.set(header, start + NLMSG_HEADER_BYTES);
    write();
    this.#view.setUint32(start, this.#at - start, true);
  }

  /** An attribute that holds those that `write` adds. */
  nested(type: number, write: () => void): void {
    const start = this.#room(4);
    write();
    this.#head(start, type | NLA_F_NESTED, this.#at - start);
  }

  u8(type: number, value: number): void {
    const at = this.#payload(type, 1);
    this.#bytes[at] = value;
  }

  u16(type: number, value: number): void {
    const at = this.#payload(type, 2);
    this.#view.setUint16(at, value);
  }

  u32(type: number, value: number): void {
    const at = this.#payload(type, 4);
    this.#view.setUint32(at, value);
  }

  i32(type: number, value: number): void {
    const at = this.#payload(type, 4);
    this.#view.setInt32(at, value);
  }

  bytes(type: number, value: Uint8Array): void {
    const at = this.#payload(type, value.length);
    this.#bytes.set(value, at);
  }

  /** A string with its final zero. */
  text(type: number, value: string): void {
    this.bytes(type, new TextEncoder().encode(`${value}\0`));
  }

  #payload(type: number, length: number): number {
    const start = this.#room(4 + length);
    this.#head(start, type, 4 + length);
    return start + 4;
  }

  #head(start: number, type: number, length: number): void {
    this.#view.setUint16(start, length, true);
    this.#view.setUint16(start + 2, type, true);
  }

  /** Takes `count` octets and the padding behind them, which is zero. */
  #room(count: number): number {
    const start = this.#at;
    const end = (start + count + NETLINK_HEADER_ALIGN - 1) & ~(NETLINK_HEADER_ALIGN - 1);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    if (end > start + count) this.#bytes.fill(0, start + count, end);
    this.#at = end;
    return start;
  }
}
