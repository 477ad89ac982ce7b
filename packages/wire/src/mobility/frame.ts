// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

/** Octets of Type, Sub-Type and Length, which Length does not count. */
export const FRAME_HEADER_BYTES = 4;
/** Largest message that the Length field can tell. */
export const MESSAGE_BYTES_MAX: number = 0xffff + FRAME_HEADER_BYTES;
/** Code and Sequence Number. */
const LENGTH_MIN = 4;

/**
 * Octets of the whole message whose first four octets are `header`. Throws `WireError` (`length`, `limit`)
 * when no frame can have this length: the stream cannot be framed again and has to be closed.
 */
export function mobilityFrameBytes(header: Uint8Array, maxBytes: number = MESSAGE_BYTES_MAX): number {
  if (header.length < FRAME_HEADER_BYTES) throw new WireError('short', header.length, 'frame header cut');
  const length = ((header[2] ?? 0) << 8) | (header[3] ?? 0);
  if (length < LENGTH_MIN) throw new WireError('length', 2, `Length ${length} below ${LENGTH_MIN}`);
  const total = length + FRAME_HEADER_BYTES;
  if (total > maxBytes) throw new WireError('limit', 2, `message of ${total} octets, at most ${maxBytes}`);
  return total;
}
