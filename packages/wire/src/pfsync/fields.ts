// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import type { PfsyncFamily, PfsyncKey, PfsyncPeer, PfsyncScrub } from './messages.ts';

const INTERFACE_BYTES = 16;
/** Longest name of an interface, in octets: one more is its end. */
export const PFSYNC_INTERFACE_BYTES_MAX: number = INTERFACE_BYTES - 1;
/** Octets of visible ASCII. */
const INTERFACE_NAME = /^[!-~]*$/;

/** Numbers of address families on BSD; IPv6 is OpenBSD's. */
export const AF_INET = 2;
export const AF_INET6 = 24;
export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;
const PEER_PAD_BYTES = 6;
const NO_RULE = 0xffffffff;

/** Reads octets that have to be 0: what was read can be written again only so. */
export function expectZeros(reader: ByteReader, count: number): void {
  for (let i = 0; i < count; i++) {
    const { offset } = reader;
    const octet = reader.u8();
    if (octet !== 0) throw new WireError('value', offset, `${octet} where 0 is reserved`);
  }
}

export function readInterfaceName(reader: ByteReader): string {
  const { offset } = reader;
  const octets = reader.bytes(INTERFACE_BYTES);
  const end = octets.indexOf(0);
  if (end < 0) throw new WireError('value', offset, 'name of an interface without an end');
  if (octets.subarray(end).some((octet) => octet !== 0))
    throw new WireError('value', offset + end, 'octets behind the name of an interface');
  const name = String.fromCharCode(...octets.subarray(0, end));
  if (!INTERFACE_NAME.test(name))
    throw new WireError('value', offset, 'name of an interface that is no visible ASCII');
  return name;
}

export function writeInterfaceName(writer: ByteWriter, name: string): void {
  if (name.length > PFSYNC_INTERFACE_BYTES_MAX || !INTERFACE_NAME.test(name))
    throw new WireError('value', writer.length, `${JSON.stringify(name)} is no name of an interface`);
  writer.utf8(name).zeros(INTERFACE_BYTES - name.length);
}

export function readFamily(reader: ByteReader): PfsyncFamily {
  const { offset } = reader;
  const family = reader.u8();
  if (family === 0) return null;
  if (family === AF_INET) return 'ipv4';
  if (family === AF_INET6) return 'ipv6';
  throw new WireError('unknown', offset, `address family ${family}`);
}

export function writeFamily(writer: ByteWriter, family: PfsyncFamily): void {
  writer.u8(family === null ? 0 : family === 'ipv4' ? AF_INET : AF_INET6);
}

/** Writes octets of a fixed number. */
export function writeOctets(writer: ByteWriter, value: Uint8Array, octets: number, what: string): void {
  if (value.length !== octets)
    throw new WireError('length', writer.length, `${what} of ${value.length} octets, not ${octets}`);
  writer.bytes(value);
}

/** Two addresses, two ports, routing domain, family: which addresses these are stands behind them. */
export function readKey(reader: ByteReader): PfsyncKey {
  const first = reader.sub(IPV6_BYTES);
  const second = reader.sub(IPV6_BYTES);
  const ports = [reader.u16(), reader.u16()] as const;
  const routingDomain = reader.u16();
  const family = readFamily(reader);
  expectZeros(reader, 1);
  return {
    family,
    addresses: [readAddress(first, family), readAddress(second, family)],
    ports,
    routingDomain,
  };
}

function readAddress(reader: ByteReader, family: PfsyncFamily): Uint8Array {
  const address = reader.bytes(family === 'ipv4' ? IPV4_BYTES : IPV6_BYTES);
  expectZeros(reader, reader.remaining);
  return address;
}

export function writeKey(writer: ByteWriter, key: PfsyncKey): void {
  const octets = key.family === 'ipv4' ? IPV4_BYTES : IPV6_BYTES;
  for (const address of key.addresses) {
    writeOctets(writer, address, octets, 'address');
    writer.zeros(IPV6_BYTES - octets);
  }
  writer.u16(key.ports[0]).u16(key.ports[1]).u16(key.routingDomain);
  writeFamily(writer, key.family);
  writer.zeros(1);
}

function readScrub(reader: ByteReader): PfsyncScrub {
  return { flags: reader.u16(), ttl: reader.u8(), flag: reader.u8(), timestampModulator: reader.u32() };
}

export function readPeer(reader: ByteReader): PfsyncPeer {
  const peer = {
    scrub: readScrub(reader),
    sequenceLow: reader.u32(),
    sequenceHigh: reader.u32(),
    sequenceDifference: reader.u32(),
    windowMax: reader.u16(),
    segmentBytesMax: reader.u16(),
    state: reader.u8(),
    windowScale: reader.u8(),
  };
  expectZeros(reader, PEER_PAD_BYTES);
  return peer;
}

export function writePeer(writer: ByteWriter, peer: PfsyncPeer): void {
  const { scrub } = peer;
  writer.u16(scrub.flags).u8(scrub.ttl).u8(scrub.flag).u32(scrub.timestampModulator);
  writer.u32(peer.sequenceLow).u32(peer.sequenceHigh).u32(peer.sequenceDifference);
  writer.u16(peer.windowMax).u16(peer.segmentBytesMax).u8(peer.state).u8(peer.windowScale);
  writer.zeros(PEER_PAD_BYTES);
}

/** Number of a rule; all bits set: none. */
export function readRule(reader: ByteReader): number | null {
  const rule = reader.u32();
  return rule === NO_RULE ? null : rule;
}

export function writeRule(writer: ByteWriter, rule: number | null): void {
  if (rule === NO_RULE)
    throw new WireError('value', writer.length, `rule ${rule}, which says that there is none`);
  writer.u32(rule ?? NO_RULE);
}
