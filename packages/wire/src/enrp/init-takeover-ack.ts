// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_INIT_TAKEOVER_ACK, registrar → who wants to take over: go on. @see RFC 5353 §2.8 */
export interface InitTakeoverAck extends EnrpHeader {
  readonly type: 'init-takeover-ack';
  /** Identifier of the registrar that seems dead. */
  readonly target: number;
}

export const initTakeoverAck: MessageCodec<InitTakeoverAck> = {
  code: 0x08,
  write(writer, message) {
    writeHeader(writer, message);
    writer.u32(message.target);
  },
  read: (body) => ({ type: 'init-takeover-ack', ...readHeader(body), target: body.u32() }),
};
