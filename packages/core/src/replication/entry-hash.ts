// SPDX-License-Identifier: Apache-2.0

const FIRST = 0x01000193;
const SECOND = 0x85ebca6b;
const MIX_FIRST = 0x7feb352d;
const MIX_SECOND = 0x846ca68b;

/**
 * Two sums of 32 bits over a key and its value, which differ in what they multiply by. The digest of a state is the sum of
 * those of its keys, so that it follows from update to update. It finds damage and mistakes; against intent there is TLS.
 */
export class EntryHash {
  high = 0;
  low = 0;

  /** @param secret which kind of a secret it is: 0, none; 3, it is a position, and no key of the state */
  take(key: string, value: Uint8Array, secret: 0 | 1 | 2 | 3 = 0): void {
    let high = key.length;
    let low = ~key.length;
    for (let at = 0; at < key.length; at++) {
      const octet = key.charCodeAt(at);
      high = Math.imul(high ^ octet, FIRST);
      low = Math.imul(low ^ octet, SECOND);
      low ^= low >>> 13;
    }
    for (let at = 0; at < value.length; at++) {
      const octet = value[at] as number;
      high = Math.imul(high ^ octet, FIRST);
      low = Math.imul(low ^ octet, SECOND);
      low ^= low >>> 13;
    }
    // Behind the length, which has fewer bits than these are away.
    const end = value.length | (secret << 24);
    this.high = mixed(high ^ end);
    this.low = mixed(low ^ end);
  }
}

/** Both halves as one number of 64 bits. */
export function digestOf(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function mixed(value: number): number {
  let rest = value ^ (value >>> 16);
  rest = Math.imul(rest, MIX_FIRST);
  rest ^= rest >>> 15;
  rest = Math.imul(rest, MIX_SECOND);
  return rest ^ (rest >>> 16);
}
