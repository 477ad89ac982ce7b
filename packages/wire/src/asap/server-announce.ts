// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import type { MessageCodec } from '../message/message-codec.ts';
import {
  isTransport,
  readTransport,
  type SctpTransport,
  type TcpTransport,
  writeTransport,
} from '../parameters/transport.ts';

/**
 * ASAP_SERVER_ANNOUNCE, registrar → multicast: here I am. Not authenticated: a hint.
 * @see RFC 5352 §2.2.10
 */
export interface ServerAnnounce {
  readonly type: 'server-announce';
  readonly registrarId: number;
  /** None: SCTP at the source address of the datagram, port 3863. */
  readonly transports: readonly (SctpTransport | TcpTransport)[];
}

export const serverAnnounce: MessageCodec<ServerAnnounce> = {
  code: 0x0a,
  write(writer, { registrarId, transports }) {
    writer.u32(registrarId);
    for (const transport of transports) writeTransport(writer, transport);
  },
  read(body) {
    const registrarId = body.u32();
    const transports = body.tlvs.filter(isTransport).map((tlv) => {
      const transport = readTransport(tlv, body.unrecognized);
      if (transport.type !== 'sctp' && transport.type !== 'tcp') {
        throw new WireError('value', tlv.offset, `registrar over ${transport.type}`);
      }
      return transport;
    });
    return { type: 'server-announce', registrarId, transports };
  },
};
