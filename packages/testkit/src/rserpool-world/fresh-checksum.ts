// SPDX-License-Identifier: Apache-2.0

interface Owned {
  readonly handle: Uint8Array;
  readonly elements: readonly { readonly id: number; readonly homeRegistrar: number }[];
}

/**
 * The checksum of what one registrar owns, from scratch and by the letter: all 16-bit words of all blocks (handle with its
 * padding, identifier), carries folded, complemented. A slow twin of what registrars keep along.
 * @see RFC 5353 §3.6.2, RFC 1071
 */
export function freshChecksum(pools: readonly Owned[], owner: number): number {
  let sum = 0;
  for (const { handle, elements } of pools) {
    let words = 0;
    for (let at = 0; at < handle.length; at += 2) words += ((handle[at] ?? 0) << 8) | (handle[at + 1] ?? 0);
    for (const { id, homeRegistrar } of elements)
      if (homeRegistrar === owner) sum += words + (id >>> 16) + (id & 0xffff);
  }
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum & 0xffff);
  return ~sum & 0xffff;
}
