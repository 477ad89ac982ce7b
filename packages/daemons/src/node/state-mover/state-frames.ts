// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeState,
  STATE_FRAME_BYTES_MAX,
  STATE_HEADER_BYTES,
  type StateMessage,
  stateFrameBytes,
} from '@vnfpool/wire/state-channel';

/** How the state channel cuts a stream. */
export const stateRule: FrameRule = {
  headerBytes: STATE_HEADER_BYTES,
  frameBytes: (header) => stateFrameBytes(header),
  frameBytesMax: STATE_FRAME_BYTES_MAX,
};

/** A frame as an input of either end of a transfer. */
export function readStateFrame(
  connection: number,
  frame: Uint8Array,
):
  | { readonly type: 'message'; readonly connection: number; readonly message: StateMessage }
  | { readonly type: 'malformed'; readonly connection: number; readonly reason: string } {
  try {
    return { type: 'message', connection, message: decodeState(frame) };
  } catch (error) {
    if (error instanceof WireError) return { type: 'malformed', connection, reason: error.message };
    throw error;
  }
}
