// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, fromHex, toHex, WireError } from '../bytes/index.ts';
import { formatIp, ipv4Number, parseIp } from '../parameters/ip-text.ts';
import {
  FORWARD_MAC_BYTES,
  FORWARD_PAYLOAD_BYTES_MAX,
  FORWARD_VERSION,
  type ForwardDatagram,
  type ForwardedPacket,
  type ForwardMessage,
} from './messages.ts';

const MAGIC = 0x5646;
const BODY_BYTES_MAX = 65_507 - FORWARD_MAC_BYTES;
const TRANSFER_BYTES = 8;

/** By number; holders' are odd. */
const TYPES: readonly (ForwardMessage['type'] | null)[] = [
  null,
  'claim',
  'welcome',
  'send',
  'arrived',
  'gone',
  'ended',
  null,
  'over',
];

/** The octets that the MAC is made of; throws `WireError`: `limit` for a payload that is too large, `value`. */
export function encodeForward({ transfer, generation, sequence, message }: ForwardDatagram): Uint8Array {
  const writer = new ByteWriter(BODY_BYTES_MAX);
  writer.u16(MAGIC).u8(FORWARD_VERSION).u8(TYPES.indexOf(message.type));
  const id = fromHex(transfer);
  if (id.length !== TRANSFER_BYTES)
    throw new WireError('value', writer.length, `${transfer} is not 16 hexadecimal digits`);
  writer.bytes(id).u32(generation).u64(sequence);
  if (message.type === 'send' || message.type === 'arrived') writePacket(writer, message);
  else if ('session' in message) writer.u32(message.session);
  return writer.finish();
}

/** Reads octets whose MAC was removed; whose it is can be told only after that. Throws `WireError`. */
export function decodeForward(bytes: Uint8Array): ForwardDatagram {
  if (bytes.length > BODY_BYTES_MAX)
    throw new WireError('limit', 0, `forwarded datagram of ${bytes.length} octets`);
  const reader = new ByteReader(bytes);
  if (reader.u16() !== MAGIC) throw new WireError('unknown', 0, 'not a forwarded datagram');
  const version = reader.u8();
  if (version !== FORWARD_VERSION)
    throw new WireError('unknown', 2, `forwarded datagram of version ${version}`);
  const number = reader.u8();
  const type = TYPES[number] ?? null;
  const header = {
    transfer: toHex(reader.bytes(TRANSFER_BYTES)),
    generation: reader.u32(),
    sequence: reader.u64(),
  };
  const message = readMessage(reader, type, number);
  reader.expectEnd();
  return { ...header, message };
}

function readMessage(
  reader: ByteReader,
  type: ForwardMessage['type'] | null,
  number: number,
): ForwardMessage {
  switch (type) {
    case null:
      throw new WireError('unknown', 3, `forwarded datagram of type ${number}`);
    case 'claim':
    case 'welcome':
    case 'over':
      return { type };
    case 'gone':
    case 'ended':
      return { type, session: reader.u32() };
    case 'send':
    case 'arrived':
      return { type, ...readPacket(reader) };
  }
}

function writePacket(writer: ByteWriter, { session, side, address, port, payload }: ForwardedPacket): void {
  if (payload.length > FORWARD_PAYLOAD_BYTES_MAX)
    throw new WireError('limit', writer.length, `payload of ${payload.length} octets`);
  const ipv4 = ipv4Number(address);
  writer
    .u32(session)
    .u8(side === 'client' ? 0 : 1)
    .u8(ipv4 === undefined ? 6 : 4)
    .u16(port);
  if (ipv4 === undefined) writer.bytes(parseIp(address));
  else writer.u32(ipv4);
  writer.bytes(payload);
}

function readPacket(reader: ByteReader): ForwardedPacket {
  const session = reader.u32();
  const side = reader.u8();
  if (side > 1) throw new WireError('value', reader.offset - 1, `side ${side}`);
  const family = reader.u8();
  if (family !== 4 && family !== 6) throw new WireError('value', reader.offset - 1, `family ${family}`);
  const port = reader.u16();
  const address = formatIp(reader.bytes(family === 4 ? 4 : 16));
  const payload = reader.rest();
  if (payload.length > FORWARD_PAYLOAD_BYTES_MAX)
    throw new WireError('limit', reader.offset, `payload of ${payload.length} octets`);
  return { session, side: side === 0 ? 'client' : 'backend', address, port, payload };
}
