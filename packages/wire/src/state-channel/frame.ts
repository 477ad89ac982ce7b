// SPDX-License-Identifier: Apache-2.0
import { ByteReader, WireError } from '../bytes/index.ts';

/** Octets of the length field, which it does not count. */
export const STATE_HEADER_BYTES = 4;
/** Most octets of state in one message. */
export const STATE_CHUNK_BYTES_MAX = 262_144;
/** Longest frame: length, type, and a full chunk. */
export const STATE_FRAME_BYTES_MAX: number = STATE_HEADER_BYTES + 1 + STATE_CHUNK_BYTES_MAX;

/**
 * Octets of the whole frame that begins with these four. Throws `WireError` (`length`, `limit`) when no frame can have
 * this length: the stream cannot be framed again and has to be closed.
 */
export function stateFrameBytes(header: Uint8Array): number {
  const length = new ByteReader(header).u32();
  if (length === 0) throw new WireError('length', 0, 'a frame without a type');
  const total = length + STATE_HEADER_BYTES;
  if (total > STATE_FRAME_BYTES_MAX) throw new WireError('limit', 0, `frame of ${total} octets`);
  return total;
}
