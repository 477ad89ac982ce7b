// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_HANDLE_TABLE_REQUEST, registrar → registrar: give me your handlespace. @see RFC 5353 §2.2 */
export interface HandleTableRequest extends EnrpHeader {
  readonly type: 'handle-table-request';
  /** W: only the elements that the receiver owns. */
  readonly ownOnly: boolean;
}

const OWN_ONLY = 0x01;

export const handleTableRequest: MessageCodec<HandleTableRequest> = {
  code: 0x02,
  flags: ({ ownOnly }) => (ownOnly ? OWN_ONLY : 0),
  write: writeHeader,
  read: (body) => ({
    type: 'handle-table-request',
    ...readHeader(body),
    ownOnly: (body.flags & OWN_ONLY) !== 0,
  }),
};
