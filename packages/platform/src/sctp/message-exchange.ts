// SPDX-License-Identifier: Apache-2.0
import { IPPROTO_SCTP } from '../libc/constants.ts';
import { native, type StableMemory } from '../libc/native.ts';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SCTP_RCVINFO,
  SCTP_SACK_IMMEDIATELY,
  SCTP_SNDINFO,
} from './constants.ts';

/*
 * sendmsg and recvmsg with their control messages, through one piece of memory for the whole thread: a call takes
 * its arguments from it and is over when it returns.
 *
 *   0  struct msghdr (56)   56  struct iovec (16)   72  control (128)   200  data
 */
const IOVEC = 56;
const CONTROL = 72;
const CONTROL_BYTES = 128;
const DATA = 200;
/** A message of ASAP or ENRP, and its longest parameter, ends below this; longer ones come in pieces. */
const DATA_BYTES = 68 * 1024;
/** Offsets in struct msghdr. */
const HDR_IOV = 16;
const HDR_IOV_COUNT = 24;
const HDR_CONTROL = 32;
const HDR_CONTROL_BYTES = 40;
const HDR_FLAGS = 48;
/** struct cmsghdr: length, level, type. */
const CMSG_HEADER_BYTES = 16;
const SNDINFO_BYTES = 16;

const SEND = 'long sendmsg(int, const void *, int)';
const RECEIVE = 'long recvmsg(int, void *, int)';

let shared: StableMemory | undefined;
let grown: StableMemory | undefined;

function memory(): StableMemory {
  if (shared !== undefined) return shared;
  shared = native().allocate(DATA + DATA_BYTES);
  shared.bytes.fill(0);
  shared.view.setBigUint64(HDR_IOV, shared.address + BigInt(IOVEC), true);
  shared.view.setBigUint64(HDR_IOV_COUNT, 1n, true);
  shared.view.setBigUint64(HDR_CONTROL, shared.address + BigInt(CONTROL), true);
  return shared;
}

/** Sends one user message at once; returns 0, or the negative errno: -EAGAIN when the kernel has no room. */
export function sendMessage(fd: number, data: Uint8Array, protocol: number): number {
  const { view, bytes, address } = memory();
  let at = address + BigInt(DATA);
  if (data.length <= DATA_BYTES) {
    bytes.set(data, DATA);
  } else {
    if (grown === undefined || grown.bytes.length < data.length) grown = native().allocate(data.length);
    grown.bytes.set(data);
    at = grown.address;
  }
  view.setBigUint64(IOVEC, at, true);
  view.setBigUint64(IOVEC + 8, BigInt(data.length), true);
  view.setBigUint64(HDR_CONTROL_BYTES, BigInt(CMSG_HEADER_BYTES + SNDINFO_BYTES), true);
  view.setBigUint64(CONTROL, BigInt(CMSG_HEADER_BYTES + SNDINFO_BYTES), true);
  view.setInt32(CONTROL + 8, IPPROTO_SCTP, true);
  view.setInt32(CONTROL + 12, SCTP_SNDINFO, true);
  const info = CONTROL + CMSG_HEADER_BYTES;
  bytes.fill(0, info, info + SNDINFO_BYTES);
  // Signalling: a delayed acknowledgement, 200 ms, would hold up the end of an association and whoever measures.
  view.setUint16(info + 2, SCTP_SACK_IMMEDIATELY, true);
  // Passed on as it stands: the network's order.
  view.setUint32(info + 4, protocol);
  const result = native().attempt(SEND, fd, address, MSG_DONTWAIT | MSG_NOSIGNAL);
  return Math.min(result, 0);
}

/** What recvmsg gave; `data` is the shared memory: copy it before the next call. */
export interface RawMessage {
  /** Length, 0 at the end of the stream, or the negative errno. */
  readonly result: number;
  readonly data: Uint8Array;
  readonly flags: number;
  readonly protocol: number;
}

/** Takes one message, a piece of one, or a notification. */
export function receiveMessage(fd: number): RawMessage {
  const { view, bytes, address } = memory();
  view.setBigUint64(IOVEC, address + BigInt(DATA), true);
  view.setBigUint64(IOVEC + 8, BigInt(DATA_BYTES), true);
  view.setBigUint64(HDR_CONTROL_BYTES, BigInt(CONTROL_BYTES), true);
  view.setInt32(HDR_FLAGS, 0, true);
  const result = native().attempt(RECEIVE, fd, address, MSG_DONTWAIT);
  const flags = view.getInt32(HDR_FLAGS, true);
  return {
    result,
    data: bytes.subarray(DATA, DATA + Math.max(result, 0)),
    flags,
    protocol: result > 0 ? readProtocol(view) : 0,
  };
}

function readProtocol(view: DataView): number {
  const end = CONTROL + Number(view.getBigUint64(HDR_CONTROL_BYTES, true));
  for (let at = CONTROL; at + CMSG_HEADER_BYTES <= end; ) {
    const size = Number(view.getBigUint64(at, true));
    if (view.getInt32(at + 8, true) === IPPROTO_SCTP && view.getInt32(at + 12, true) === SCTP_RCVINFO) {
      return view.getUint32(at + CMSG_HEADER_BYTES + 8);
    }
    at += Math.max((size + 7) & ~7, CMSG_HEADER_BYTES);
  }
  return 0;
}
