// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import {
  readServerInformation,
  type ServerInformation,
  writeServerInformation,
} from '../parameters/server-information.ts';
import { PARAMETER } from '../parameters/tlv.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_LIST_RESPONSE, registrar → registrar: the registrars that the sender knows. @see RFC 5353 §2.6 */
export interface ListResponse extends EnrpHeader {
  readonly type: 'list-response';
  /** R: not now. */
  readonly rejected: boolean;
  readonly servers: readonly ServerInformation[];
}

const REJECTED = 0x01;

export const listResponse: MessageCodec<ListResponse> = {
  code: 0x06,
  flags: ({ rejected }) => (rejected ? REJECTED : 0),
  write(writer, message) {
    writeHeader(writer, message);
    for (const server of message.servers) writeServerInformation(writer, server);
  },
  read(body) {
    const header = readHeader(body);
    return {
      type: 'list-response',
      ...header,
      rejected: (body.flags & REJECTED) !== 0,
      servers: body.tlvs
        .filter((tlv) => tlv.type === PARAMETER.serverInformation)
        .map((tlv) => readServerInformation(tlv, body.unrecognized)),
    };
  },
};
