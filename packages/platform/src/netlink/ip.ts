// SPDX-License-Identifier: Apache-2.0
import { isIPv4, isIPv6 } from 'node:net';
import { PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6 } from '../libc/constants.ts';
import { ipv6Bytes, ipv6Text } from '../sctp/socket-address.ts';
import { ipv4Bytes, ipv4Text } from './ipv4.ts';

/** An address with the length of its network's prefix. */
export interface IpPrefix {
  readonly address: string;
  /** 0–32, of IPv6 0–128. */
  readonly prefix: number;
}

/** Number of an address's family, as netlink has it. */
export function familyOf(address: string): number {
  return address.includes(':') ? AF_INET6 : AF_INET;
}

/**
 * The 4 or 16 bytes of an address without a zone.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) return ipv4Bytes(address);
  if (isIPv6(address) && !address.includes('%')) return ipv6Bytes(address);
  throw new PlatformError('BAD_ARGUMENT', `not an IP address: ${address}`, { call: 'ip' });
}

/** The text of 4 or 16 bytes, in canonical form. */
export function ipText(bytes: Uint8Array): string {
  return bytes.length === 4 ? ipv4Text(bytes) : ipv6Text(bytes);
}

/**
 * Reads `10.0.0.1/24` or `2001:db8::1/64`.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function parseIpPrefix(value: string): IpPrefix {
  const [address = '', length = '', ...rest] = value.split('/');
  const max = ipBytes(address).length * 8;
  if (rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > max)
    throw new PlatformError('BAD_ARGUMENT', `not an address with a prefix: ${value}`, { call: 'ip' });
  return { address, prefix: Number(length) };
}
