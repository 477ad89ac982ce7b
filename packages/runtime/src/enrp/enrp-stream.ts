// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeEnrp, type EnrpMessage, enrpFrameLength } from '@vnfpool/wire/enrp';
import { DiscardError, type ErrorCause, type UnrecognizedParameter } from '@vnfpool/wire/parameters';

/** ENRP on a stream: the length field, rounded up to a multiple of 4. */
export const enrpRule: FrameRule = {
  headerBytes: 4,
  frameBytes: enrpFrameLength,
  frameBytesMax: 65_536,
};

/** What a frame held; the same words as the inputs of the registrar's core. */
export type EnrpIncoming =
  | {
      readonly type: 'message';
      readonly message: EnrpMessage;
      readonly unrecognized: readonly UnrecognizedParameter[];
    }
  | {
      readonly type: 'malformed';
      /** What its sender should be told; null: nothing. */
      readonly report: ErrorCause | null;
      readonly reason: string;
    };

/** Decodes a frame. The message has memory of its own. */
export function readEnrp(frame: Uint8Array): EnrpIncoming {
  try {
    // A frame is a view of what the socket read; the handlespace keeps pool handles for long.
    return { type: 'message', ...decodeEnrp(frame.slice()) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return {
      type: 'malformed',
      report: error instanceof DiscardError ? error.report : null,
      reason: error.message,
    };
  }
}
