// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import { type AsapMessage, asapFrameLength, decodeAsap } from '@vnfpool/wire/asap';
import { WireError } from '@vnfpool/wire/bytes';
import { DiscardError, type ErrorCause, type UnrecognizedParameter } from '@vnfpool/wire/parameters';

/** ASAP over TLS. @see RFC 5352 §9.2 */
export const asapPort = 3864;

/** ASAP on a stream: the length field, rounded up to a multiple of 4. */
export const asapRule: FrameRule = {
  headerBytes: 4,
  frameBytes: asapFrameLength,
  frameBytesMax: 65_536,
};

/** What a frame held; the same words as the inputs of the cores. */
export type AsapIncoming =
  | {
      readonly type: 'message';
      readonly message: AsapMessage;
      readonly unrecognized: readonly UnrecognizedParameter[];
    }
  | {
      readonly type: 'malformed';
      /** What its sender should be told; null: nothing. */
      readonly report: ErrorCause | null;
      readonly reason: string;
    };

/** Message type of a handle resolution, the one message that comes by the hundred thousand. */
const HANDLE_RESOLUTION = 0x05;

/**
 * Decodes a frame. The message has memory of its own, except a handle resolution: it is answered in its turn, and
 * who keeps its pool handle keeps the pool's.
 */
export function readAsap(frame: Uint8Array): AsapIncoming {
  try {
    // A frame is a view of what the socket read, up to 64 KiB; cores keep octets of other messages for long.
    const { message, unrecognized } = decodeAsap(frame[0] === HANDLE_RESOLUTION ? frame : frame.slice());
    return { type: 'message', message, unrecognized };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return {
      type: 'malformed',
      report: error instanceof DiscardError ? error.report : null,
      reason: error.message,
    };
  }
}
