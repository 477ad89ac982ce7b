// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  AF_INET,
  AF_INET6,
  expectZeros,
  IPV4_BYTES,
  IPV6_BYTES,
  readInterfaceName,
  readPeer,
  writeInterfaceName,
  writeOctets,
  writePeer,
} from './fields.ts';
import type {
  PfsyncBulkStatus,
  PfsyncClear,
  PfsyncPeerUpdate,
  PfsyncStateId,
  PfsyncTdb,
} from './messages.ts';

/** Interface 16, creator 4. */
export const CLEAR_BYTES = 20;
/** Id 8, creator 4. */
export const STATE_ID_BYTES = 12;
/** Id 8, source 32, destination 32, creator 4, expires in 4, time-out 1, flags 1, 0 2. */
export const PEER_UPDATE_BYTES = 84;
/** Creator 4, end 4, status 1, 0 3. */
export const BULK_STATUS_BYTES = 12;
/** SPI 4, destination 28, replay counter 8, octets 8, protocol 1, updates 1, routing domain 2. */
export const TDB_BYTES = 52;
/** With a replay counter of 4. */
export const OLD_TDB_BYTES = 48;

const BULK_START = 1;
const BULK_END = 2;

/** Octets that socket addresses of BSD say of themselves; IPv4 has room for IPv6 here. */
const SOCKET_IPV4_BYTES = 16;
const SOCKET_IPV6_BYTES = 28;
const SCOPE_BYTES = 4;

export function readClear(reader: ByteReader): PfsyncClear {
  return { interfaceName: readInterfaceName(reader), creatorId: reader.u32() };
}

export function writeClear(writer: ByteWriter, clear: PfsyncClear): void {
  writeInterfaceName(writer, clear.interfaceName);
  writer.u32(clear.creatorId);
}

export function readStateId(reader: ByteReader): PfsyncStateId {
  return { id: reader.u64(), creatorId: reader.u32() };
}

export function writeStateId(writer: ByteWriter, { id, creatorId }: PfsyncStateId): void {
  writer.u64(id).u32(creatorId);
}

export function readPeerUpdate(reader: ByteReader): PfsyncPeerUpdate {
  const update = {
    id: reader.u64(),
    source: readPeer(reader),
    destination: readPeer(reader),
    creatorId: reader.u32(),
    expireSeconds: reader.u32(),
    timeout: reader.u8(),
    stateFlags: reader.u8(),
  };
  expectZeros(reader, 2);
  return update;
}

export function writePeerUpdate(writer: ByteWriter, update: PfsyncPeerUpdate): void {
  writer.u64(update.id);
  writePeer(writer, update.source);
  writePeer(writer, update.destination);
  writer.u32(update.creatorId).u32(update.expireSeconds).u8(update.timeout).u8(update.stateFlags).zeros(2);
}

export function readBulkStatus(reader: ByteReader): PfsyncBulkStatus {
  const creatorId = reader.u32();
  const endSeconds = reader.u32();
  const { offset } = reader;
  const code = reader.u8();
  if (code !== BULK_START && code !== BULK_END)
    throw new WireError('unknown', offset, `status ${code} of a bulk update`);
  expectZeros(reader, 3);
  return { creatorId, endSeconds, status: code === BULK_START ? 'start' : 'end' };
}

export function writeBulkStatus(writer: ByteWriter, bulk: PfsyncBulkStatus): void {
  writer.u32(bulk.creatorId).u32(bulk.endSeconds);
  writer.u8(bulk.status === 'start' ? BULK_START : BULK_END).zeros(3);
}

export function readTdb(reader: ByteReader): PfsyncTdb {
  return readTdbWith(reader, () => reader.u64());
}

export function readOldTdb(reader: ByteReader): PfsyncTdb {
  return readTdbWith(reader, () => BigInt(reader.u32()));
}

function readTdbWith(reader: ByteReader, readCounter: () => bigint): PfsyncTdb {
  const spi = reader.u32();
  const socket = readSocketAddress(reader.sub(SOCKET_IPV6_BYTES));
  return {
    spi,
    ...socket,
    replayCounter: readCounter(),
    bytes: reader.u64(),
    protocol: reader.u8(),
    updates: reader.u8(),
    routingDomain: reader.u16(),
  };
}

type SocketAddress = Pick<PfsyncTdb, 'destination' | 'port' | 'flowInformation' | 'scope'>;

/** Length 8, family 8, port 16; IPv4: address, 0; IPv6: flow information 32, address, scope 32. */
function readSocketAddress(reader: ByteReader): SocketAddress {
  const { offset } = reader;
  const length = reader.u8();
  const family = reader.u8();
  const port = reader.u16();
  if (family === AF_INET && length === SOCKET_IPV4_BYTES) {
    const destination = reader.bytes(IPV4_BYTES);
    expectZeros(reader, reader.remaining);
    return { destination, port, flowInformation: 0, scope: null };
  }
  if (family === AF_INET6 && length === SOCKET_IPV6_BYTES) {
    const flowInformation = reader.u32();
    return { destination: reader.bytes(IPV6_BYTES), port, flowInformation, scope: reader.bytes(SCOPE_BYTES) };
  }
  throw new WireError('value', offset, `socket address of family ${family} and length ${length}`);
}

export function writeTdb(writer: ByteWriter, tdb: PfsyncTdb): void {
  writer.u32(tdb.spi);
  writeSocketAddress(writer, tdb);
  writer.u64(tdb.replayCounter);
  writeTdbRest(writer, tdb);
}

export function writeOldTdb(writer: ByteWriter, tdb: PfsyncTdb): void {
  writer.u32(tdb.spi);
  writeSocketAddress(writer, tdb);
  writer.u32(Number(tdb.replayCounter));
  writeTdbRest(writer, tdb);
}

function writeTdbRest(writer: ByteWriter, tdb: PfsyncTdb): void {
  writer.u64(tdb.bytes).u8(tdb.protocol).u8(tdb.updates).u16(tdb.routingDomain);
}

function writeSocketAddress(writer: ByteWriter, socket: SocketAddress): void {
  const { destination, port, flowInformation, scope } = socket;
  if (destination.length === IPV4_BYTES) {
    if (flowInformation !== 0 || scope !== null)
      throw new WireError('value', writer.length, 'flow information or scope of an IPv4 address');
    writer.u8(SOCKET_IPV4_BYTES).u8(AF_INET).u16(port).bytes(destination);
    writer.zeros(SOCKET_IPV6_BYTES - 4 - IPV4_BYTES);
    return;
  }
  writer.u8(SOCKET_IPV6_BYTES).u8(AF_INET6).u16(port).u32(flowInformation);
  writeOctets(writer, destination, IPV6_BYTES, 'address');
  if (scope === null) throw new WireError('missing', writer.length, 'IPv6 address without a scope');
  writeOctets(writer, scope, SCOPE_BYTES, 'scope');
}
