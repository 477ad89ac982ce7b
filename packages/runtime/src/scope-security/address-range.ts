// SPDX-License-Identifier: Apache-2.0
import { parseIp } from '@vnfpool/wire/parameters';
import { ScopeSecurityError } from './errors.ts';

/** Addresses whose first bits are those of `octets`. */
export interface AddressRange {
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** Reads `ADDRESS` or `ADDRESS/BITS`. Bits beyond the prefix must be zero: a slip of the pen is a hole. */
export function parseAddressRange(text: string): AddressRange {
  const fail = (why: string): never => {
    throw new ScopeSecurityError('description', `"${text}" is no address or range: ${why}`);
  };
  const [address = '', length, more] = text.split('/');
  let octets: Uint8Array;
  try {
    octets = parseIp(address);
  } catch {
    return fail('no address');
  }
  const bits = length === undefined ? octets.length * 8 : Number(length);
  if (more !== undefined || (length !== undefined && !/^\d{1,3}$/.test(length)) || bits > octets.length * 8) {
    return fail('no length of a prefix');
  }
  if (octets.some((octet, index) => (octet & ~maskOf(bits, index)) !== 0)) {
    return fail(`it has bits beyond the first ${bits}`);
  }
  return { octets, bits };
}

/** An IPv4 address is never in a range of IPv6 addresses, nor the other way round. */
export function isInRange(address: string, { octets, bits }: AddressRange): boolean {
  let own: Uint8Array;
  try {
    own = parseIp(address);
  } catch {
    return false;
  }
  return (
    own.length === octets.length &&
    own.every((octet, index) => (octet & maskOf(bits, index)) === octets[index])
  );
}

function maskOf(bits: number, index: number): number {
  const own = Math.min(8, Math.max(0, bits - index * 8));
  return (0xff << (8 - own)) & 0xff;
}
