// SPDX-License-Identifier: Apache-2.0

/** `wrap32`: the running sum wraps at 2^32, as in rsplib; differs from about 50,000 elements of one owner on. */
export type ChecksumRule = 'exact' | 'wrap32';

/*
 * The checksum of an owner is kept as the exact sum of all 16-bit words of its elements' blocks, and folded only
 * when it is asked for: subtracting in folded arithmetic can leave 0xffff where a fresh computation gives 0. The sum
 * of 2^53 is out of reach: an element with the longest handle adds less than 2^24.
 */

/** Sum of the words of a pool handle, padded with a zero octet to whole words. */
export function handleSum(handle: Uint8Array): number {
  let sum = 0;
  for (const [at, octet] of handle.entries()) sum += at % 2 === 0 ? octet * 0x100 : octet;
  return sum;
}

/** Sum of the words of an element's identifier. */
export function identifierSum(id: number): number {
  return (id >>> 16) + (id & 0xffff);
}

/**
 * The PE checksum of a sum of words: carries folded in, then the complement. Of nothing: 0xffff.
 * @see RFC 5353 §3.6.2, RFC 1071
 */
export function foldChecksum(sum: number, rule: ChecksumRule): number {
  // Adding and subtracting modulo 2^32 leads to the exact sum modulo 2^32, whatever the order.
  let folded = rule === 'wrap32' ? sum % 2 ** 32 : sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return 0xffff - folded;
}
