// SPDX-License-Identifier: Apache-2.0
import { type FrameRule, unframed } from '@vnfpool/transport/framing';
import type { Connection } from '@vnfpool/transport/stream';
import { type AsapMessage, decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import {
  decodeShim,
  encodeShim,
  SHIM_HEADER_BYTES,
  SHIM_PPID,
  shimFrameLength,
} from '@vnfpool/wire/session-shim';

/** What came over a data channel. */
export type Heard =
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'control'; readonly message: AsapMessage }
  | { readonly type: 'heartbeat' | 'heartbeat-ack' | 'end' };

/** How data and control share a connection. `read` throws `WireError` for what cannot be. */
export interface ChannelCodec {
  readonly rule: FrameRule;
  /** Whether there are control messages at all. */
  readonly control: boolean;
  /** Whether heartbeats and the end of a session can be told. */
  readonly marks: boolean;
  sendData(connection: Connection, data: Uint8Array): boolean;
  sendControl(connection: Connection, message: AsapMessage): boolean;
  sendMark(connection: Connection, mark: 'heartbeat' | 'heartbeat-ack' | 'end'): void;
  read(frame: Uint8Array, protocol: number): Heard;
}

const ASAP_PPID = SHIM_PPID.asap;
const marks = { heartbeat: SHIM_PPID.heartbeat, 'heartbeat-ack': SHIM_PPID.heartbeatAck, end: SHIM_PPID.end };
const none = new Uint8Array(0);

/** A stream of octets, or SCTP's messages, as they are: Transport Use "data only". */
export function plainCodec(): ChannelCodec {
  return {
    rule: unframed,
    control: false,
    marks: false,
    sendData: (connection, data) => connection.send(data, SHIM_PPID.data),
    sendControl: () => false,
    sendMark: () => {},
    read: (frame) => ({ type: 'data', data: frame }),
  };
}

/** SCTP with Transport Use "data plus control": ASAP has a payload protocol of its own. @see RFC 5352 §2.2 */
export function sctpCodec(messageBytesMax: number): ChannelCodec {
  return {
    rule: { headerBytes: 0, frameBytes: () => 0, frameBytesMax: messageBytesMax },
    control: true,
    marks: false,
    sendData: (connection, data) => connection.send(data, SHIM_PPID.data),
    sendControl: (connection, message) => connection.send(encodeAsap(message), ASAP_PPID),
    sendMark: () => {},
    read: (frame, protocol) =>
      protocol === ASAP_PPID
        ? { type: 'control', message: decodeAsap(frame).message }
        : { type: 'data', data: frame },
  };
}

/** TCP and TLS with Transport Use "data plus control": the shim. */
export function shimCodec(messageBytesMax: number): ChannelCodec {
  return {
    rule: {
      headerBytes: SHIM_HEADER_BYTES,
      frameBytes: shimFrameLength,
      frameBytesMax: SHIM_HEADER_BYTES + messageBytesMax,
    },
    control: true,
    marks: true,
    sendData: (connection, data) => connection.send(encodeShim(SHIM_PPID.data, data)),
    sendControl: (connection, message) => connection.send(encodeShim(ASAP_PPID, encodeAsap(message))),
    sendMark: (connection, mark) => {
      connection.send(encodeShim(marks[mark], none));
    },
    read: (frame) => {
      const { ppid, payload } = decodeShim(frame);
      if (ppid === ASAP_PPID) return { type: 'control', message: decodeAsap(payload).message };
      if (ppid === SHIM_PPID.heartbeat) return { type: 'heartbeat' };
      if (ppid === SHIM_PPID.heartbeatAck) return { type: 'heartbeat-ack' };
      return ppid === SHIM_PPID.end ? { type: 'end' } : { type: 'data', data: payload };
    },
  };
}
