// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_INIT_TAKEOVER, registrar → all: I want to take this one over. @see RFC 5353 §2.7 */
export interface InitTakeover extends EnrpHeader {
  readonly type: 'init-takeover';
  /** Identifier of the registrar that seems dead. */
  readonly target: number;
}

export const initTakeover: MessageCodec<InitTakeover> = {
  code: 0x07,
  write(writer, message) {
    writeHeader(writer, message);
    writer.u32(message.target);
  },
  read: (body) => ({ type: 'init-takeover', ...readHeader(body), target: body.u32() }),
};
