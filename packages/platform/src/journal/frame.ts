// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { PlatformError } from '../errors.ts';

/*
 * A file: 8 bytes of magic, then one frame for each append, so that an append is there whole or not at all.
 *
 *  0            4            8
 *  +------------+------------+------------------------------------------+
 *  | bytes      | CRC-32     | entries, each: length 4, then its bytes  |   all numbers little-endian
 *  +------------+------------+------------------------------------------+
 */

export const MAGIC: Uint8Array = new TextEncoder().encode('VNFPJL1\n');
const HEADER_BYTES = 8;
/** Bound of one frame's payload: 16 MiB. */
export const FRAME_BYTES_MAX: number = 16 * 1024 * 1024;

/** One append as a frame. */
export function encodeFrame(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = entries.reduce((sum, entry) => sum + 4 + entry.length, 0);
  if (bytes === 0 || bytes > FRAME_BYTES_MAX) {
    throw new PlatformError('BAD_ARGUMENT', `an append of ${bytes} bytes`, { call: 'journal append' });
  }
  const frame = Buffer.alloc(HEADER_BYTES + bytes);
  let at = HEADER_BYTES;
  for (const entry of entries) {
    frame.writeUInt32LE(entry.length, at);
    frame.set(entry, at + 4);
    at += 4 + entry.length;
  }
  frame.writeUInt32LE(bytes, 0);
  frame.writeUInt32LE(crc32(frame.subarray(HEADER_BYTES)), 4);
  return frame;
}

/** The entries of the frame at `at` and where the next one starts; undefined when there is no whole, sound frame. */
export function decodeFrame(file: Buffer, at: number): { entries: Uint8Array[]; next: number } | undefined {
  if (at + HEADER_BYTES > file.length) return undefined;
  const bytes = file.readUInt32LE(at);
  const next = at + HEADER_BYTES + bytes;
  if (bytes === 0 || bytes > FRAME_BYTES_MAX || next > file.length) return undefined;
  const payload = file.subarray(at + HEADER_BYTES, next);
  if (crc32(payload) !== file.readUInt32LE(at + 4)) return undefined;
  const entries: Uint8Array[] = [];
  for (let place = 0; place < payload.length; ) {
    if (place + 4 > payload.length) return undefined;
    const end = place + 4 + payload.readUInt32LE(place);
    if (end > payload.length) return undefined;
    entries.push(payload.subarray(place + 4, end));
    place = end;
  }
  return { entries, next };
}

/** Whether a sound frame starts anywhere behind `from`: then what is bad at `from` was not the end of the file. */
export function hasFrameBehind(file: Buffer, from: number): boolean {
  // The length in a bad header may be right; without it every place is tried, up to a bound that keeps a start short.
  const SCAN_BYTES_MAX = 1024 * 1024;
  const end = Math.min(file.length, from + SCAN_BYTES_MAX);
  for (let at = from + 1; at + HEADER_BYTES < end; at++) if (decodeFrame(file, at) !== undefined) return true;
  return false;
}
