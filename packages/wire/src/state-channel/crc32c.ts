// SPDX-License-Identifier: Apache-2.0

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, octet) => {
  let rest = octet;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/**
 * CRC32C of `octets`, or of what `before` is the checksum of followed by `octets`. Finds damage; it is no protection
 * against intent, which is TLS's part.
 * @see RFC 9260 Appendix A
 */
export function crc32c(octets: Uint8Array, before = 0): number {
  let rest = ~before;
  for (let at = 0; at < octets.length; at += 1) {
    rest = (TABLE[(rest ^ (octets[at] as number)) & 0xff] as number) ^ (rest >>> 8);
  }
  return ~rest >>> 0;
}
