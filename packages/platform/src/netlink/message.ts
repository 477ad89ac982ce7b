// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';

/*
 *  0                4        6        8              12             16
 *  +----------------+--------+--------+--------------+--------------+---------
 *  | length         | type   | flags  | sequence     | port id      | body ...
 *  +----------------+--------+--------+--------------+--------------+---------
 * Body: a fixed header of the family, then attributes of (length 2, type 2, payload), all padded to 4 bytes.
 */

export const NLMSG_HEADER_BYTES = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** In an answer to a dump: what was listed changed meanwhile. */
export const NLM_F_DUMP_INTR = 0x10;
/** In an acknowledgement: the request's body was left out. */
export const NLM_F_CAPPED = 0x100;
/** In an acknowledgement: attributes with the kernel's explanation follow. */
export const NLM_F_ACK_TLVS = 0x200;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One message of a netlink answer; `body` shares memory with the receive buffer's copy. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** Joins byte strings. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A view for reading numbers from bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An attribute with its padding. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(aligned(4 + payload.length));
  const view = viewOf(out);
  view.setUint16(0, 4 + payload.length, true);
  view.setUint16(2, type, true);
  out.set(payload, 4);
  return out;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...inner: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, join(inner));
}

/** A string with its final zero. */
export function text(type: number, value: string): Uint8Array {
  return attribute(type, new TextEncoder().encode(`${value}\0`));
}

/** A 32-bit number in the host's order. */
export function u32(type: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  viewOf(payload).setUint32(0, value, true);
  return attribute(type, payload);
}

/** A 32-bit number in network order. */
export function be32(type: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  viewOf(payload).setUint32(0, value, false);
  return attribute(type, payload);
}

/** A 64-bit number in network order. */
export function be64(type: number, value: bigint): Uint8Array {
  const payload = new Uint8Array(8);
  viewOf(payload).setBigUint64(0, value, false);
  return attribute(type, payload);
}

/** A whole message; the kernel fills in the port id. */
export function message(
  type: number,
  flags: number,
  sequence: number,
  parts: readonly Uint8Array[],
): Uint8Array {
  const body = join(parts);
  const out = new Uint8Array(aligned(NLMSG_HEADER_BYTES + body.length));
  const view = viewOf(out);
  view.setUint32(0, NLMSG_HEADER_BYTES + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  out.set(body, NLMSG_HEADER_BYTES);
  return out;
}

/**
 * Splits a datagram into messages.
 * @throws PlatformError `BAD_MESSAGE` when a length does not fit.
 */
export function parseMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = viewOf(datagram);
  let at = 0;
  while (at + NLMSG_HEADER_BYTES <= datagram.length) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HEADER_BYTES || at + length > datagram.length) {
      const about = `netlink message of ${length} bytes at ${at} of ${datagram.length}`;
      throw new PlatformError('BAD_MESSAGE', about, { call: 'netlink' });
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: datagram.subarray(at + NLMSG_HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** Attributes in order, as [type, payload]; what does not fit ends the list. */
export function parseAttributeList(bytes: Uint8Array): [number, Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  const view = viewOf(bytes);
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    list.push([view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length)]);
    at += aligned(length);
  }
  return list;
}

/** Attributes by type; the last of a type wins. */
export function parseAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(parseAttributeList(bytes));
}

/** A zero-ended string attribute. */
export function readText(payload: Uint8Array): string {
  const end = payload.indexOf(0);
  return new TextDecoder().decode(end < 0 ? payload : payload.subarray(0, end));
}
