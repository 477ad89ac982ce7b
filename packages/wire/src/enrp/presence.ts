// SPDX-License-Identifier: Apache-2.0
import type { MessageCodec } from '../message/message-codec.ts';
import { readPeChecksum, writePeChecksum } from '../parameters/pe-checksum.ts';
import {
  readServerInformation,
  type ServerInformation,
  writeServerInformation,
} from '../parameters/server-information.ts';
import { PARAMETER } from '../parameters/tlv.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** ENRP_PRESENCE, registrar → registrar: I am here, and this is what I own. @see RFC 5353 §2.1 */
export interface Presence extends EnrpHeader {
  readonly type: 'presence';
  /** R: answer with your own. */
  readonly replyRequired: boolean;
  /** PE checksum of the elements that the sender owns. */
  readonly checksum?: number;
  /** The sender's ENRP endpoint; rsplib refuses a presence without it. */
  readonly server?: ServerInformation;
}

const REPLY_REQUIRED = 0x01;

export const presence: MessageCodec<Presence> = {
  code: 0x01,
  flags: ({ replyRequired }) => (replyRequired ? REPLY_REQUIRED : 0),
  write(writer, message) {
    writeHeader(writer, message);
    if (message.checksum !== undefined) writePeChecksum(writer, message.checksum);
    if (message.server !== undefined) writeServerInformation(writer, message.server);
  },
  read(body) {
    const header = readHeader(body);
    const checksum = body.optional(PARAMETER.peChecksum);
    const server = body.optional(PARAMETER.serverInformation);
    return {
      type: 'presence',
      ...header,
      replyRequired: (body.flags & REPLY_REQUIRED) !== 0,
      ...(checksum === undefined ? {} : { checksum: readPeChecksum(checksum) }),
      ...(server === undefined ? {} : { server: readServerInformation(server, body.unrecognized) }),
    };
  },
};
