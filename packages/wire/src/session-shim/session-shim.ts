// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';

/**
 * Messages between pool user and pool element over TCP or TLS, where the pool's Transport Use is "data plus control".
 * It gives TCP what SCTP has by itself: boundaries, and a mark that tells control messages from data.
 *
 * ```
 *  length of what follows (4) | payload protocol (4) | length octets
 * ```
 *
 * Our own format: the draft on a TCP mapping expired before it had one that is known.
 */
export interface ShimFrame {
  /** 11: an ASAP message. Those of `SHIM_PPID` stand for themselves. Anything else: data. */
  readonly ppid: number;
  readonly payload: Uint8Array;
}

export const SHIM_HEADER_BYTES = 8;

/** Payload protocols with a meaning. */
export const SHIM_PPID = {
  data: 0,
  /** An ASAP message: cookie, cookie echo, business card. */
  asap: 11,
  /** Are you there? Empty. The first frame of a user whose session is a new one, too. */
  heartbeat: 0xffffffff,
  /** The answer to it. Empty. */
  heartbeatAck: 0xfffffffe,
  /** The session is over, on purpose: what follows is the end of the stream. Empty. */
  end: 0xfffffffd,
} as const;

export function encodeShim(ppid: number, payload: Uint8Array): Uint8Array {
  return new ByteWriter().u32(payload.length).u32(ppid).bytes(payload).finish();
}

/** Octets of the whole frame, from its first eight. */
export function shimFrameLength(header: Uint8Array): number {
  return SHIM_HEADER_BYTES + new ByteReader(header).u32();
}

/** Reads one whole frame; its payload shares memory. Throws `WireError` for one that cannot be. */
export function decodeShim(frame: Uint8Array): ShimFrame {
  const reader = new ByteReader(frame);
  const length = reader.u32();
  const ppid = reader.u32();
  if (reader.remaining !== length)
    throw new WireError('length', 0, `${reader.remaining} octets where the header says ${length}`);
  if (ppid >= SHIM_PPID.end && length > 0)
    throw new WireError('length', 0, `payload protocol 0x${ppid.toString(16)} with a payload`);
  return { ppid, payload: reader.rest() };
}
