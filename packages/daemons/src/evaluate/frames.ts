// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';

/* What the client and the function say to each other: as little as it takes, so that it is the mechanisms that are measured. */

const LENGTH_OCTETS = 4;
const FRAME_OCTETS_MAX = 131_072;

/** A length of 32 bits, of the whole frame. */
export const lengthRule: FrameRule = {
  headerBytes: LENGTH_OCTETS,
  frameBytes: (header) => new DataView(header.buffer, header.byteOffset).getUint32(0),
  frameBytesMax: FRAME_OCTETS_MAX,
};

const OPS = ['write', 'remove', 'read', 'cookie'] as const;

export interface Request {
  /** From 1 on. */
  readonly number: number;
  /** `cookie`: what the client kept of the key, for who has not its state. */
  readonly op: (typeof OPS)[number];
  /** Characters U+0000 to U+00FF. */
  readonly key: string;
  readonly value: Uint8Array;
}

export interface Answer {
  readonly number: number;
  readonly isRefused: boolean;
  readonly appliedMs: number;
  readonly position: number;
  /** What goes with it for the client to keep. */
  readonly cookie: Uint8Array;
}

const REQUEST_OCTETS = LENGTH_OCTETS + 4 + 1 + 2;
const ANSWER_OCTETS = LENGTH_OCTETS + 4 + 1 + 8 + 8;

export function encodeRequest({ number, op, key, value }: Request): Uint8Array {
  const frame = Buffer.allocUnsafe(REQUEST_OCTETS + key.length + value.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(number, 4);
  frame.writeUInt8(OPS.indexOf(op), 8);
  frame.writeUInt16BE(key.length, 9);
  frame.write(key, REQUEST_OCTETS, 'latin1');
  frame.set(value, REQUEST_OCTETS + key.length);
  return frame;
}

/** Its value shares memory with the frame. */
export function decodeRequest(octets: Uint8Array): Request {
  const frame = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const valueAt = REQUEST_OCTETS + frame.readUInt16BE(9);
  return {
    number: frame.readUInt32BE(4),
    op: OPS[frame.readUInt8(8)] ?? 'read',
    key: frame.toString('latin1', REQUEST_OCTETS, valueAt),
    value: frame.subarray(valueAt),
  };
}

export function encodeAnswer({ number, isRefused, appliedMs, position, cookie }: Answer): Uint8Array {
  const frame = Buffer.allocUnsafe(ANSWER_OCTETS + cookie.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(number, 4);
  frame.writeUInt8(isRefused ? 1 : 0, 8);
  frame.writeDoubleBE(appliedMs, 9);
  frame.writeDoubleBE(position, 17);
  frame.set(cookie, ANSWER_OCTETS);
  return frame;
}

/** Its cookie shares memory with the frame. */
export function decodeAnswer(octets: Uint8Array): Answer {
  const frame = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  return {
    number: frame.readUInt32BE(4),
    isRefused: frame.readUInt8(8) === 1,
    appliedMs: frame.readDoubleBE(9),
    position: frame.readDoubleBE(17),
    cookie: frame.subarray(ANSWER_OCTETS),
  };
}

/** Each value begins with the number of the request that wrote it, which says later how old it is. */
const NUMBER_OCTETS = 4;

export function numbered(number: number, value: Uint8Array): Uint8Array {
  const octets = Buffer.allocUnsafe(NUMBER_OCTETS + value.length);
  octets.writeUInt32BE(number, 0);
  octets.set(value, NUMBER_OCTETS);
  return octets;
}

export function numberOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}
