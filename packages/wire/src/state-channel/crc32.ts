// SPDX-License-Identifier: Apache-2.0

/** The polynomial of Ethernet, zip and zlib, bits reversed. */
const POLYNOMIAL = 0xedb88320;
/** Octets in one step: each has a table of its own, for what it becomes when those behind it have gone by. */
const STEP = 8;

const [T0, T1, T2, T3, T4, T5, T6, T7] = tables() as [Table, Table, Table, Table, Table, Table, Table, Table];
type Table = Int32Array;

function tables(): Table[] {
  const first = Int32Array.from({ length: 256 }, (_, octet) => {
    let rest = octet;
    for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
    return rest;
  });
  const all = [first];
  for (let at = 1; at < STEP; at += 1) {
    const before = all[at - 1] as Table;
    all.push(before.map((rest) => (first[rest & 0xff] as number) ^ (rest >>> 8)));
  }
  return all;
}

/**
 * CRC-32 of `octets`, or of what `before` is the checksum of followed by `octets`. Finds damage; it is no protection
 * against intent, which is TLS's part. Hosts have the same one in machine code, which is why it is this one.
 * @see RFC 1952 §8
 */
export function crc32(octets: Uint8Array, before = 0): number {
  let rest = ~before;
  let at = 0;
  for (const end = octets.length - STEP; at <= end; at += STEP) {
    const four =
      rest ^
      ((octets[at] as number) |
        ((octets[at + 1] as number) << 8) |
        ((octets[at + 2] as number) << 16) |
        ((octets[at + 3] as number) << 24));
    rest =
      (T7[four & 0xff] as number) ^
      (T6[(four >>> 8) & 0xff] as number) ^
      (T5[(four >>> 16) & 0xff] as number) ^
      (T4[four >>> 24] as number) ^
      (T3[octets[at + 4] as number] as number) ^
      (T2[octets[at + 5] as number] as number) ^
      (T1[octets[at + 6] as number] as number) ^
      (T0[octets[at + 7] as number] as number);
  }
  for (; at < octets.length; at += 1)
    rest = (T0[(rest ^ (octets[at] as number)) & 0xff] as number) ^ (rest >>> 8);
  return ~rest >>> 0;
}

/** CRC-32 of two pieces in a row, from the checksum of each and the length of the second. */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  // `first` times x^(8 n): what its remainder becomes when n octets of 0 follow.
  let power = 0x0080_0000;
  let shifted = first;
  for (let left = secondBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shifted = times(shifted, power);
    power = times(power, power);
  }
  return (shifted ^ second) >>> 0;
}

/** Product of two remainders; the highest bit stands for x^0. */
function times(one: number, other: number): number {
  let product = 0;
  let shifted = other;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((one >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product;
}
