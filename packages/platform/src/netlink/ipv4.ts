// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';

/** An IPv4 address with the length of its network's prefix. */
export interface Ipv4Prefix {
  readonly address: string;
  /** 0–32. */
  readonly prefix: number;
}

/**
 * The four bytes of a dotted address.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function ipv4Bytes(address: string): Uint8Array {
  const parts = address.split('.');
  const bytes = parts.map(Number);
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part));
  if (!good || bytes.some((byte) => byte > 255)) {
    throw new PlatformError('BAD_ARGUMENT', `not an IPv4 address: ${address}`, { call: 'ipv4' });
  }
  return Uint8Array.from(bytes);
}

/** The dotted form of four bytes. */
export function ipv4Text(bytes: Uint8Array): string {
  return bytes.subarray(0, 4).join('.');
}

/**
 * Reads `10.0.0.1/24`; without a length it is `/32`.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function parseIpv4Prefix(value: string): Ipv4Prefix {
  const [address = '', prefix, ...rest] = value.split('/');
  ipv4Bytes(address);
  if (prefix === undefined) return { address, prefix: 32 };
  if (rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) {
    throw new PlatformError('BAD_ARGUMENT', `not an address with a prefix: ${value}`, { call: 'ipv4' });
  }
  return { address, prefix: Number(prefix) };
}
