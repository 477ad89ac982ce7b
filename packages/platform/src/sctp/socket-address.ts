// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6 } from '../libc/constants.ts';
import { ipv4Bytes, ipv4Text } from '../netlink/ipv4.ts';

const IPV4_BYTES = 16;
const IPV6_BYTES = 28;

/** A numeric address, with `%link` where it is link-local, and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * struct sockaddr_in or sockaddr_in6, packed one behind the other as bindx and connectx want them.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function packAddresses(addresses: readonly string[], port: number): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw bad(`not a port: ${port}`);
  return Buffer.concat(addresses.map((address) => pack(address, port)));
}

function pack(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(isIPv4(address) ? IPV4_BYTES : IPV6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, port);
  if (isIPv4(address)) {
    view.setUint16(0, AF_INET, true);
    bytes.set(ipv4Bytes(address), 4);
    return bytes;
  }
  const [plain = '', link] = address.split('%');
  if (!isIPv6(plain)) throw bad(`not an address: ${address}`);
  view.setUint16(0, AF_INET6, true);
  bytes.set(ipv6Bytes(plain), 8);
  if (link !== undefined) view.setUint32(24, linkIndex(link), true);
  return bytes;
}

/** Reads `count` packed addresses; fewer when the octets end. */
export function unpackAddresses(bytes: Uint8Array, count: number): SocketAddress[] {
  const found: SocketAddress[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; found.length < count; ) {
    const family = at + 2 <= bytes.length ? view.getUint16(at, true) : 0;
    const size = family === AF_INET ? IPV4_BYTES : IPV6_BYTES;
    if ((family !== AF_INET && family !== AF_INET6) || at + size > bytes.length) break;
    const address =
      family === AF_INET
        ? ipv4Text(bytes.subarray(at + 4))
        : ipv6Text(bytes.subarray(at + 8, at + 24), view.getUint32(at + 24, true));
    found.push({ address, port: view.getUint16(at + 2) });
    at += size;
  }
  return found;
}

/** The sixteen bytes of a valid IPv6 address without a zone. */
export function ipv6Bytes(address: string): Uint8Array {
  const dotted = address.lastIndexOf(':') + 1;
  const text = address.includes('.')
    ? address.slice(0, dotted) + hexPairs(ipv4Bytes(address.slice(dotted)))
    : address;
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function hexPairs(bytes: Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** The shortest form (RFC 5952); `%index` behind a link-local one. */
export function ipv6Text(bytes: Uint8Array, scope = 0): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  // The address parser of URLs compresses as RFC 5952 says.
  const text = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  return scope === 0 ? text : `${text}%${scope}`;
}

function linkIndex(link: string): number {
  if (/^\d{1,9}$/.test(link)) return Number(link);
  if (!/^[\w.-]{1,15}$/.test(link)) throw bad(`not a link: ${link}`);
  try {
    return Number(readFileSync(`/sys/class/net/${link}/ifindex`, 'utf8'));
  } catch (cause) {
    throw new PlatformError('ENODEV', `no link ${link}`, { call: 'address', cause });
  }
}

function bad(message: string): PlatformError {
  return new PlatformError('BAD_ARGUMENT', message, { call: 'address' });
}
