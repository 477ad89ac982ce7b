// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../libc/constants.ts';
import { attribute, be32 } from '../netlink/message.ts';
import type { ConntrackEntry } from './entry.ts';
import * as n from './numbers.ts';

/** Which entries; what is left out admits all. */
export interface ConntrackFilter {
  readonly family?: 4 | 6;
  /** 0: those without a zone. */
  readonly zone?: number;
  /** The mark's bits under `mask` (default all) equal those of `value`. */
  readonly mark?: { readonly value: number; readonly mask?: number };
  /** IP protocol number. */
  readonly protocol?: number;
  /** One of the addresses of either direction lies in this network; 4 or 16 octets. */
  readonly address?: { readonly network: Uint8Array; readonly prefix: number };
}

/** @throws PlatformError `BAD_ARGUMENT` */
export function checkFilter({ address }: ConntrackFilter): void {
  if (address === undefined) return;
  const octets = address.network.length;
  const { prefix } = address;
  if ((octets !== 4 && octets !== 16) || !Number.isInteger(prefix) || prefix < 0 || prefix > octets * 8) {
    const about = `network of ${octets} octets with a prefix of ${prefix} bits`;
    throw new PlatformError('BAD_ARGUMENT', about, { call: 'conntrack filter' });
  }
}

/** The part of the filter that the kernel applies; kernels before 6.8 leave out the zone. */
export function filterRequest(filter: ConntrackFilter): Uint8Array[] {
  const family = filter.family === undefined ? AF_UNSPEC : filter.family === 6 ? AF_INET6 : AF_INET;
  const parts: Uint8Array[] = [Uint8Array.of(family, 0, 0, 0)];
  if (filter.mark !== undefined) {
    const mask = (filter.mark.mask ?? 0xffffffff) >>> 0;
    parts.push(be32(n.CTA_MARK, (filter.mark.value & mask) >>> 0), be32(n.CTA_MARK_MASK, mask));
  }
  if (filter.zone !== undefined) {
    parts.push(attribute(n.CTA_ZONE, Uint8Array.of(filter.zone >> 8, filter.zone & 0xff)));
  }
  return parts;
}

/** The whole filter, whatever the kernel left out of it already. */
export function isWanted(entry: ConntrackEntry, filter: ConntrackFilter): boolean {
  const { original, reply } = entry;
  const { family, zone, mark, protocol, address } = filter;
  if (family !== undefined && original.source.length !== (family === 6 ? 16 : 4)) return false;
  if (zone !== undefined && entry.zone !== zone) return false;
  if (mark !== undefined && ((entry.mark ^ mark.value) & (mark.mask ?? 0xffffffff)) !== 0) return false;
  if (protocol !== undefined && original.protocol !== protocol) return false;
  if (address === undefined) return true;
  return [original.source, original.destination, reply.source, reply.destination].some((each) =>
    isWithin(each, address.network, address.prefix),
  );
}

function isWithin(address: Uint8Array, network: Uint8Array, prefix: number): boolean {
  if (address.length !== network.length) return false;
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network[i]) return false;
  const left = prefix & 7;
  return left === 0 || ((address[whole] ?? 0) ^ (network[whole] ?? 0)) >> (8 - left) === 0;
}
