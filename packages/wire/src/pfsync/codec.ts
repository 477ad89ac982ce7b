// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { expectZeros, writeOctets } from './fields.ts';
import type { PfsyncMessage, PfsyncSection } from './messages.ts';
import { readSection, writeSection } from './sections.ts';

/*
 * pfsync version 6, by which firewalls with OpenBSD's pf tell each other their states. It lies directly in IP:
 *
 *   version 8 = 6 | 0 8 | length 16, of all | MD5 of the rules 128
 *   sections: action 8 | words of an item 8 | items 16 | items
 *
 * Numbers are in network order. Nothing protects it but a link of its own, or IPsec.
 */

export const PFSYNC_VERSION = 6;
/** Number of the protocol in IP. */
export const PFSYNC_IP_PROTOCOL = 240;
/** Where it goes unless one peer is configured. */
export const PFSYNC_MULTICAST = '224.0.0.240';
/** Of packets sent; those with less came over a router and are not to be taken. */
export const PFSYNC_TTL = 255;
/** What fits an IPv4 packet behind its header of 20 octets. */
export const PFSYNC_BYTES_MAX = 65_515;

const HEADER_BYTES = 20;
const CHECKSUM_BYTES = 16;
const LENGTH_AT = 2;

/** Reads a datagram, which begins behind the IP header. Octets in the result share memory with `bytes`. */
export function decodePfsync(bytes: Uint8Array): PfsyncMessage {
  if (bytes.length > PFSYNC_BYTES_MAX)
    throw new WireError('limit', 0, `${bytes.length} octets, at most ${PFSYNC_BYTES_MAX} are allowed`);
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== PFSYNC_VERSION) throw new WireError('unknown', 0, `pfsync version ${version}`);
  expectZeros(reader, 1);
  const length = reader.u16();
  if (length !== bytes.length || length < HEADER_BYTES)
    throw new WireError('length', LENGTH_AT, `length ${length} of ${bytes.length} octets`);
  const rulesChecksum = reader.bytes(CHECKSUM_BYTES);
  const sections: PfsyncSection[] = [];
  while (reader.remaining > 0) sections.push(readSection(reader));
  return { rulesChecksum, sections };
}

export function encodePfsync(message: PfsyncMessage): Uint8Array {
  const writer = new ByteWriter(PFSYNC_BYTES_MAX, 1536);
  writer.u8(PFSYNC_VERSION).zeros(1).u16(0);
  writeOctets(writer, message.rulesChecksum, CHECKSUM_BYTES, 'checksum of the rules');
  for (const section of message.sections) writeSection(writer, section);
  writer.patchU16(LENGTH_AT, writer.length);
  return writer.finish();
}
