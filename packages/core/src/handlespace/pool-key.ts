// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, toHex, WireError } from '@vnfpool/wire/bytes';

/** A pool handle as a map key: one character an octet, so that equal handles are equal keys. */
export type PoolKey = string;

export function poolKey(handle: Uint8Array): PoolKey {
  // One call for the octets of a handle, of which there are at most 65531.
  return String.fromCharCode.apply(null, handle as unknown as number[]);
}

/** A pool handle for people: its text where it is printable UTF-8, else `0x` and hexadecimal digits. */
export function poolName(handle: Uint8Array): string {
  try {
    const text = decodeUtf8(handle);
    if (text !== '' && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return text;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  return `0x${toHex(handle)}`;
}
