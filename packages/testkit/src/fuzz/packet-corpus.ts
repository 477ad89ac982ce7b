// SPDX-License-Identifier: Apache-2.0

/* Messages by which the kernel tells of packets that wait: family header, number of the packet, payload from the IP header on. */

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

function queued(packet: Uint8Array): Uint8Array {
  const body = new Uint8Array(4 + 12 + 4 + ((packet.length + 3) & ~3));
  const view = new DataView(body.buffer);
  body.set([2, 0, 0x75, 0x30]);
  view.setUint16(4, 11, true);
  view.setUint16(6, 1, true);
  body.set([0, 0, 0, 9, 8, 0, 4], 8);
  view.setUint16(16, 4 + packet.length, true);
  view.setUint16(18, 10, true);
  body.set(packet, 20);
  return body;
}

export const QUEUED_PACKETS: readonly Uint8Array[] = [
  // TCP with options over IPv4; UDP behind options; an echo.
  '45000044 00004000 40060000 c0000201 c0000250 4e2001bb 00000001 00000000 c002ffff 00000000 020405b4 0402080a 00000001 00000000 01030307',
  '46000020 00004000 40110000 c0000201 c0000250 01010100 4e2001bb 00080000',
  '4500001c 00004000 40010000 c0000201 c0000250 0800f7ff 00050001',
  // SCTP behind extensions, and an echo, over IPv6.
  '60000000 001c0040 fd010000000000000000000000000002 fd020000000000000000000000000080 3c00000000000000 8400000000000000 4e2001bb 00000000 00000000',
  '60000000 00083a40 fd010000000000000000000000000002 fd020000000000000000000000000080 80000000 00070001',
].map((hex) => queued(bytes(hex)));
