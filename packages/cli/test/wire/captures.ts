// SPDX-License-Identifier: Apache-2.0

/** A packet for a capture file. */
export interface Record {
  readonly octets: Uint8Array;
  /** Default: all of it was kept. */
  readonly keptBytes?: number;
}

export interface Style {
  readonly isLittle?: boolean;
  readonly isNano?: boolean;
}

/** A pcap file put together from its layout. */
export function pcapFile(linkType: number, records: readonly Record[], style: Style = {}): Uint8Array {
  const { isLittle = true, isNano = false } = style;
  const numbers = (...words: readonly number[]): Uint8Array => {
    const octets = new Uint8Array(words.length * 4);
    const view = new DataView(octets.buffer);
    for (const [index, word] of words.entries()) view.setUint32(index * 4, word, isLittle);
    return octets;
  };
  const version = isLittle ? 0x0004_0002 : 0x0002_0004;
  return Buffer.concat([
    numbers(isNano ? 0xa1b23c4d : 0xa1b2c3d4, version, 0, 0, 65_535, linkType),
    ...records.flatMap(({ octets, keptBytes = octets.length }, index) => [
      numbers(1_767_225_600, index, keptBytes, octets.length),
      octets.subarray(0, keptBytes),
    ]),
  ]);
}

export const PFSYNC = 240;

/** `fragment`: its 16 bits; `options`: octets of options, a multiple of 4. */
export function ipv4(
  protocol: number,
  payload: Uint8Array,
  { fragment = 0x4000, options = new Uint8Array() }: { fragment?: number; options?: Uint8Array } = {},
): Uint8Array {
  const headerBytes = 20 + options.length;
  const header = Buffer.alloc(20);
  header[0] = 0x40 | (headerBytes / 4);
  header.writeUInt16BE(headerBytes + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header.writeUInt16BE(0xff00 | protocol, 8);
  header.set([192, 0, 2, 1, 224, 0, 0, 240], 12);
  return Buffer.concat([header, options, payload]);
}

/** `next`: what the header says follows, `payload` with its extensions. */
export function ipv6(next: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header.set([next, 255], 6);
  header.set([0xfe, 0x80], 8);
  header.set([0xff, 0x02], 24);
  return Buffer.concat([header, payload]);
}

/** A header of fragments ahead of what it is of; `place` has offset and flags. */
export function fragment6(next: number, place: number, payload: Uint8Array): Uint8Array {
  return ipv6(44, Buffer.concat([Uint8Array.of(next, 0, place >> 8, place & 0xff, 0, 0, 0, 1), payload]));
}

export function ethernet(type: number, packet: Uint8Array, ...tags: readonly number[]): Uint8Array {
  const head = Buffer.alloc(12 + 4 * tags.length + 2);
  for (const [index, tag] of tags.entries()) head.writeUInt16BE(tag, 12 + 4 * index);
  head.writeUInt16BE(type, head.length - 2);
  // The least that Ethernet carries is 60 octets.
  const bytes = head.length + packet.length;
  return Buffer.concat([head, packet, new Uint8Array(Math.max(0, 60 - bytes))]);
}

/** `bytes`: of the header, as it says itself. */
export function pflog(bytes: number, packet: Uint8Array): Uint8Array {
  const header = new Uint8Array(Math.ceil(bytes / 4) * 4);
  header[0] = bytes;
  return Buffer.concat([header, packet]);
}

export function linuxSll(type: number, packet: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(14), Uint8Array.of(type >> 8, type & 0xff), packet]);
}

export function linuxSll2(type: number, packet: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(type >> 8, type & 0xff), new Uint8Array(18), packet]);
}
