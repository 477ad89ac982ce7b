// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { isAddress, readAddress, writeAddress } from './address.ts';
import type { IpText } from './ip-text.ts';
import {
  beginTlv,
  decodeTlv,
  endTlv,
  invalid,
  PARAMETER,
  readTlvs,
  type Tlv,
  type UnrecognizedParameter,
} from './tlv.ts';

/** Whether ASAP session messages share the connection with data. @see RFC 5354 §3.4 */
export type TransportUse = 'data' | 'data-and-control';

/** Port and one address or more, of one host. */
export interface SctpTransport {
  readonly type: 'sctp';
  readonly port: number;
  readonly use: TransportUse;
  /** At least one. */
  readonly addresses: readonly IpText[];
}

export interface TcpTransport {
  readonly type: 'tcp';
  readonly port: number;
  readonly address: IpText;
  /**
   * Only with peers that put Transport Use into the field that RFC 5354 reserves (rsplib does). Absent: the
   * field is 0, or has a value that means nothing.
   */
  readonly use?: 'data-and-control';
}

export interface UdpTransport {
  readonly type: 'udp' | 'udp-lite';
  readonly port: number;
  readonly address: IpText;
}

export interface DccpTransport {
  readonly type: 'dccp';
  readonly port: number;
  readonly serviceCode: number;
  readonly address: IpText;
}

/** Something only the pool's members understand. */
export interface OpaqueTransport {
  readonly type: 'opaque';
  readonly data: Uint8Array;
}

/** Where a pool element is reached. @see RFC 5354 §3.3–§3.7, §3.16 */
export type Transport = SctpTransport | TcpTransport | UdpTransport | DccpTransport | OpaqueTransport;

const TYPES: { readonly [T in Transport['type']]: number } = {
  sctp: PARAMETER.sctpTransport,
  tcp: PARAMETER.tcpTransport,
  udp: PARAMETER.udpTransport,
  'udp-lite': PARAMETER.udpLiteTransport,
  dccp: PARAMETER.dccpTransport,
  opaque: PARAMETER.opaqueTransport,
};
const NAMES: ReadonlyMap<number, Transport['type']> = new Map(
  Object.entries(TYPES).map(([name, type]) => [type, name as Transport['type']]),
);

export function isTransport(tlv: Tlv): boolean {
  return NAMES.has(tlv.type);
}

/** Every address of a transport; an opaque one has none. */
export function transportAddresses(transport: Transport): readonly IpText[] {
  if (transport.type === 'opaque') return [];
  return transport.type === 'sctp' ? transport.addresses : [transport.address];
}

/** Reads any transport parameter. */
export function readTransport(tlv: Tlv, unrecognized: UnrecognizedParameter[]): Transport {
  return decodeTlv(tlv, (value): Transport => {
    const type = NAMES.get(tlv.type);
    switch (type) {
      case 'sctp': {
        const port = value.u16();
        const use = readUse(value);
        return { type, port, use, addresses: readAddresses(tlv, value, unrecognized) };
      }
      case 'tcp': {
        const port = value.u16();
        const use = value.u16();
        const address = readOneAddress(tlv, value, unrecognized);
        return use === 1 ? { type, port, address, use: 'data-and-control' } : { type, port, address };
      }
      case 'udp':
      case 'udp-lite': {
        const port = value.u16();
        value.skip(2);
        return { type, port, address: readOneAddress(tlv, value, unrecognized) };
      }
      case 'dccp': {
        const port = value.u16();
        value.skip(2);
        const serviceCode = value.u32();
        return { type, port, serviceCode, address: readOneAddress(tlv, value, unrecognized) };
      }
      case 'opaque':
        return { type, data: value.rest() };
      case undefined:
        throw new WireError('unknown', tlv.offset, `parameter 0x${tlv.type.toString(16)} is not a transport`);
    }
  });
}

export function writeTransport(writer: ByteWriter, transport: Transport): void {
  const start = beginTlv(writer, TYPES[transport.type]);
  switch (transport.type) {
    case 'sctp':
      if (transport.addresses.length === 0)
        throw new WireError('value', writer.length, 'transport without address');
      writer.u16(transport.port).u16(transport.use === 'data' ? 0 : 1);
      for (const address of transport.addresses) writeAddress(writer, address);
      break;
    case 'tcp':
      writer.u16(transport.port).u16(transport.use === undefined ? 0 : 1);
      writeAddress(writer, transport.address);
      break;
    case 'udp':
    case 'udp-lite':
      writer.u16(transport.port).u16(0);
      writeAddress(writer, transport.address);
      break;
    case 'dccp':
      writer.u16(transport.port).u16(0).u32(transport.serviceCode);
      writeAddress(writer, transport.address);
      break;
    case 'opaque':
      writer.bytes(transport.data);
      break;
  }
  endTlv(writer, start);
}

function readUse(value: ByteReader): TransportUse {
  const offset = value.offset;
  const use = value.u16();
  if (use > 1) throw new WireError('value', offset, `transport use ${use}`);
  return use === 0 ? 'data' : 'data-and-control';
}

function readAddresses(tlv: Tlv, value: ByteReader, unrecognized: UnrecognizedParameter[]): IpText[] {
  const tlvs = readTlvs(value, unrecognized);
  const stranger = tlvs.find((nested) => !isAddress(nested));
  if (stranger !== undefined) throw invalid('value', stranger.offset, 'not an address', stranger.whole);
  if (tlvs.length === 0) throw invalid('missing', tlv.offset, 'transport without address', tlv.whole);
  return tlvs.map(readAddress);
}

function readOneAddress(tlv: Tlv, value: ByteReader, unrecognized: UnrecognizedParameter[]): IpText {
  const [address, second] = readAddresses(tlv, value, unrecognized);
  if (address === undefined || second !== undefined) {
    throw invalid('duplicate', tlv.offset, 'transport with more than one address', tlv.whole);
  }
  return address;
}
