// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import {
  decodeMobility,
  FRAME_HEADER_BYTES,
  MESSAGE_BYTES_MAX,
  MobilityDecodeError,
  type MobilityMessage,
  mobilityFrameBytes,
} from '@vnfpool/wire/mobility';

/** How the service-mobility protocol cuts a stream. */
export const mobilityRule: FrameRule = {
  headerBytes: FRAME_HEADER_BYTES,
  frameBytes: (header) => mobilityFrameBytes(header),
  frameBytesMax: MESSAGE_BYTES_MAX,
};

/** A frame as an input of either mobility endpoint. */
export function readFrame(
  connection: number,
  frame: Uint8Array,
):
  | { readonly type: 'message'; readonly connection: number; readonly message: MobilityMessage }
  | { readonly type: 'malformed'; readonly connection: number; readonly error: MobilityDecodeError } {
  try {
    return { type: 'message', connection, message: decodeMobility(frame) };
  } catch (error) {
    if (error instanceof MobilityDecodeError) return { type: 'malformed', connection, error };
    throw error;
  }
}
