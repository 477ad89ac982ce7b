// SPDX-License-Identifier: Apache-2.0
import { ByteReader, WireError, type WireErrorCode } from '@vnfpool/wire/bytes';
import { PFSYNC_IP_PROTOCOL } from '@vnfpool/wire/pfsync';

/** What a packet carries of a protocol that lies in IP: its octets, or why they cannot be had. */
export type Carried =
  | { readonly octets: Uint8Array }
  | { readonly fault: string; readonly code: WireErrorCode };

/** A packet of a capture: the octets that were kept of it, and how many it had. */
export interface LinkPacket {
  readonly linkType: number;
  readonly octets: Uint8Array;
  readonly length: number;
}

type EtherType = (reader: ByteReader) => number | 'ip';

const ETHERNET_ADDRESSES_BYTES = 12;
const SLL_TYPE_AT = 14;
const SLL2_REST_BYTES = 18;
const PFLOG_BYTES_MIN = 45;

/** What is ahead of IP, by LINKTYPE_; says what follows. @see https://www.tcpdump.org/linktypes.html */
const LINKS: ReadonlyMap<number, EtherType> = new Map<number, EtherType>([
  [
    1, // ETHERNET
    (reader) => {
      reader.skip(ETHERNET_ADDRESSES_BYTES);
      return reader.u16();
    },
  ],
  // RAW; BSDs write the numbers of their own.
  ...[12, 14, 101].map((type) => [type, () => 'ip'] as const),
  ...[228, 229].map((type) => [type, () => 'ip'] as const), // IPV4, IPV6
  [
    113, // LINUX_SLL
    (reader) => {
      reader.skip(SLL_TYPE_AT);
      return reader.u16();
    },
  ],
  [
    276, // LINUX_SLL2
    (reader) => {
      const type = reader.u16();
      reader.skip(SLL2_REST_BYTES);
      return type;
    },
  ],
  [
    117, // PFLOG: says its length, without what fills up its last word
    (reader) => {
      const { offset } = reader;
      const bytes = reader.u8();
      if (bytes < PFLOG_BYTES_MIN)
        throw new WireError('length', offset, `a header of PFLOG of ${bytes} octets`);
      reader.skip(Math.ceil(bytes / 4) * 4 - 1);
      return 'ip';
    },
  ],
]);
/** Of a BSD's interface of pfsync: what stands behind the IP header, alone. OpenBSD writes its own number. */
const PFSYNC_LINKS: ReadonlySet<number> = new Set([18, 246]);

const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
/** Tags of virtual networks: two octets, then the type of what follows. */
const ETHER_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const TAGS_MAX = 2;

/** Whether packets behind this sort of link are read. */
export function isLinkKnown(linkType: number): boolean {
  return LINKS.has(linkType) || PFSYNC_LINKS.has(linkType);
}

/**
 * What a packet carries of an IP protocol; null: it carries something else, or is none of IP. One that is cut off before that can be told is
 * a fault, as are fragments: they are not put together.
 */
export function carriedBy(packet: LinkPacket, protocol: number): Carried | null {
  const { linkType, octets, length } = packet;
  if (PFSYNC_LINKS.has(linkType)) {
    if (protocol !== PFSYNC_IP_PROTOCOL) return null;
    return octets.length < length ? cutOff(packet) : { octets };
  }
  try {
    const reader = new ByteReader(octets);
    const found = inIp(reader, LINKS.get(linkType)?.(reader) ?? null, protocol);
    return found === 'cut off' ? cutOff(packet) : found;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (error.code === 'short' && octets.length < length) return cutOff(packet);
    return { code: error.code, fault: `no packet of IP: ${error.message}` };
  }
}

function cutOff({ octets, length }: LinkPacket): Carried {
  const fault =
    octets.length < length
      ? `cut off by the capture: ${octets.length} of ${length} octets were kept`
      : `cut off: its IP header tells of more than the ${length} octets of the packet`;
  return { code: 'short', fault };
}

type Found = Carried | 'cut off' | null;

/** `type`: of what is next; null: unknown. */
function inIp(reader: ByteReader, type: number | 'ip' | null, protocol: number): Found {
  let next = type;
  for (let tags = 0; typeof next === 'number' && ETHER_TAGS.has(next); tags += 1) {
    if (tags === TAGS_MAX) return null;
    reader.skip(2);
    next = reader.u16();
  }
  if (next !== 'ip' && next !== ETHER_IPV4 && next !== ETHER_IPV6) return null;
  const { offset } = reader;
  const first = reader.u8();
  const version = first >> 4;
  const expected = next === 'ip' ? [4, 6] : [next === ETHER_IPV4 ? 4 : 6];
  if (!expected.includes(version)) throw new WireError('unknown', offset, `IP version ${version}`);
  return version === 4 ? inIpv4(reader, first & 0x0f, protocol) : inIpv6(reader, protocol);
}

const IPV4_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;
const IPV4_OFFSET_MASK = 0x1fff;
const FRAGMENT_UNIT_BYTES = 8;

/** Behind the first octet, which has the header's length in words. */
function inIpv4(reader: ByteReader, words: number, protocol: number): Found {
  const start = reader.offset - 1;
  const headerBytes = words * 4;
  reader.skip(1);
  const totalBytes = reader.u16();
  reader.skip(2);
  const fragment = reader.u16();
  reader.skip(1);
  if (reader.u8() !== protocol) return null;
  // Not of other protocols: what a host sends in one go to be cut up by its card has no length when it is captured.
  if (headerBytes < IPV4_BYTES || totalBytes < headerBytes)
    throw new WireError('length', start, `an IPv4 header of ${headerBytes} octets, ${totalBytes} in all`);
  if ((fragment & (MORE_FRAGMENTS | IPV4_OFFSET_MASK)) !== 0)
    return fragmentAt((fragment & IPV4_OFFSET_MASK) * FRAGMENT_UNIT_BYTES);
  reader.skip(headerBytes - 10);
  return payload(reader, totalBytes - headerBytes);
}

const IPV6_FRAGMENT = 44;
/** Hop by hop, routing, destination: next header, and length in units of 8 octets behind the first. */
const IPV6_OPTIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const EXTENSIONS_MAX = 8;

function inIpv6(reader: ByteReader, protocol: number): Found {
  reader.skip(3);
  let bytes = reader.u16();
  let next = reader.u8();
  reader.skip(33);
  const take = (count: number): void => {
    if (count > bytes) throw new WireError('length', reader.offset, 'an IPv6 header beyond its packet');
    bytes -= count;
  };
  let fragment: number | null = null;
  for (let extensions = 0; next === IPV6_FRAGMENT || IPV6_OPTIONS.has(next); extensions += 1) {
    if (extensions === EXTENSIONS_MAX)
      throw new WireError('limit', reader.offset, `more than ${EXTENSIONS_MAX} headers of extensions`);
    const isFragment = next === IPV6_FRAGMENT;
    next = reader.u8();
    const second = reader.u8();
    const extensionBytes = isFragment ? 8 : (second + 1) * 8;
    take(extensionBytes);
    if (!isFragment) {
      reader.skip(extensionBytes - 2);
      continue;
    }
    const place = reader.u16();
    reader.skip(4);
    // One that is all of its packet is none, RFC 6946.
    if ((place & 0xfff9) !== 0) fragment = place & 0xfff8;
    // What is next stands in the first one only.
    if (fragment !== null && fragment > 0) break;
  }
  if (next !== protocol) return null;
  return fragment === null ? payload(reader, bytes) : fragmentAt(fragment);
}

function fragmentAt(offset: number): Carried {
  return {
    code: 'unknown',
    fault: `a fragment of a packet, from octet ${offset} on: fragments are not put together`,
  };
}

/** Links fill up short packets, so more may follow. */
function payload(reader: ByteReader, bytes: number): Found {
  if (reader.remaining < bytes) return 'cut off';
  return { octets: reader.bytes(bytes) };
}
