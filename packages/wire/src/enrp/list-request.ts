// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_LIST_REQUEST, registrar → registrar: whom do you know? @see RFC 5353 §2.5 */
export interface ListRequest extends EnrpHeader {
  readonly type: 'list-request';
}

export const listRequest: MessageCodec<ListRequest> = {
  code: 0x05,
  write: writeHeader,
  read: (body) => ({ type: 'list-request', ...readHeader(body) }),
};
