// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_TAKEOVER_SERVER, registrar → all: I own its elements now. @see RFC 5353 §2.9 */
export interface TakeoverServer extends EnrpHeader {
  readonly type: 'takeover-server';
  /** Identifier of the registrar that was taken over. */
  readonly target: number;
}

export const takeoverServer: MessageCodec<TakeoverServer> = {
  code: 0x09,
  write(writer, message) {
    writeHeader(writer, message);
    writer.u32(message.target);
  },
  read: (body) => ({ type: 'takeover-server', ...readHeader(body), target: body.u32() }),
};
