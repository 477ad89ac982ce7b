// SPDX-License-Identifier: Apache-2.0
import { type ByteWriter, WireError } from '../bytes/index.ts';
import {
  decodeTlv,
  PARAMETER,
  readTlvs,
  type Tlv,
  type UnrecognizedParameter,
  writeContainer,
} from './tlv.ts';
import {
  isTransport,
  readTransport,
  type SctpTransport,
  type TcpTransport,
  writeTransport,
} from './transport.ts';

/** A registrar and its ENRP endpoint. @see RFC 5354 §3.11 */
export interface ServerInformation {
  readonly registrarId: number;
  /** TCP only in an all-TCP scope. */
  readonly transport: SctpTransport | TcpTransport;
}

export function readServerInformation(tlv: Tlv, unrecognized: UnrecognizedParameter[]): ServerInformation {
  return decodeTlv(tlv, (value) => {
    const registrarId = value.u32();
    const [first, second] = readTlvs(value, unrecognized).filter(isTransport);
    if (first === undefined)
      throw new WireError('missing', tlv.offset, 'server information without transport');
    if (second !== undefined) throw new WireError('duplicate', second.offset, 'second transport');
    const transport = readTransport(first, unrecognized);
    if (transport.type !== 'sctp' && transport.type !== 'tcp') {
      throw new WireError('value', first.offset, `registrar over ${transport.type}`);
    }
    return { registrarId, transport };
  });
}

export function writeServerInformation(writer: ByteWriter, server: ServerInformation): void {
  writeContainer(writer, PARAMETER.serverInformation, () => {
    writer.u32(server.registrarId);
    writeTransport(writer, server.transport);
  });
}
