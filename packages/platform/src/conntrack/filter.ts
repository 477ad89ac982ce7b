// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../libc/constants.ts';
import { attribute, be32 } from '../netlink/message.ts';
import type { ConntrackEntry, ConntrackTuple } from './entry.ts';
import type { ConntrackExpectation } from './expectation.ts';
import * as n from './numbers.ts';

/** Which entries; what is left out admits all. */
export interface ConntrackFilter {
  readonly family?: 4 | 6;
  /** One of these; 0: those without a zone. */
  readonly zones?: readonly number[];
  /** The mark's bits under `mask` (default all) equal those of `value`. */
  readonly mark?: { readonly value: number; readonly mask?: number };
  /** One of these IP protocol numbers. */
  readonly protocols?: readonly number[];
  /** One of the addresses of either direction lies in one of these networks; 4 or 16 octets. */
  readonly addresses?: readonly ConntrackNetwork[];
  /** None of the addresses of either direction lies in one of these. */
  readonly except?: readonly ConntrackNetwork[];
}

/** A network of 4 or 16 octets, and how many of its bits count. */
export interface ConntrackNetwork {
  readonly network: Uint8Array;
  readonly prefix: number;
}

/** @throws PlatformError `BAD_ARGUMENT` */
export function checkFilter({ addresses = [], except = [] }: ConntrackFilter): void {
  for (const { network, prefix } of [...addresses, ...except]) {
    const octets = network.length;
    if ((octets !== 4 && octets !== 16) || !Number.isInteger(prefix) || prefix < 0 || prefix > octets * 8) {
      const about = `network of ${octets} octets with a prefix of ${prefix} bits`;
      throw new PlatformError('BAD_ARGUMENT', about, { call: 'conntrack filter' });
    }
  }
}

/** The part of the filter that the kernel applies: of zones only a single one, and not before Linux 6.8. */
export function filterRequest(filter: ConntrackFilter): Uint8Array[] {
  const family = filter.family === undefined ? AF_UNSPEC : filter.family === 6 ? AF_INET6 : AF_INET;
  const parts: Uint8Array[] = [Uint8Array.of(family, 0, 0, 0)];
  if (filter.mark !== undefined) {
    const mask = (filter.mark.mask ?? 0xffffffff) >>> 0;
    parts.push(be32(n.CTA_MARK, (filter.mark.value & mask) >>> 0), be32(n.CTA_MARK_MASK, mask));
  }
  const [zone, ...others] = filter.zones ?? [];
  if (zone !== undefined && others.length === 0)
    parts.push(attribute(n.CTA_ZONE, Uint8Array.of(zone >> 8, zone & 0xff)));
  return parts;
}

/** The whole filter, whatever the kernel left out of it already. */
export function isWanted(entry: ConntrackEntry, filter: ConntrackFilter): boolean {
  const { original, reply } = entry;
  const { family, zones, mark, protocols, addresses, except } = filter;
  if (family !== undefined && original.source.length !== (family === 6 ? 16 : 4)) return false;
  if (zones !== undefined && !zones.includes(entry.zone)) return false;
  if (mark !== undefined && ((entry.mark ^ mark.value) & (mark.mask ?? 0xffffffff)) !== 0) return false;
  if (protocols !== undefined && !protocols.includes(original.protocol)) return false;
  if (addresses !== undefined && !isAnyWithin(original, reply, addresses)) return false;
  return except === undefined || !isAnyWithin(original, reply, except);
}

/** The same for an expectation, of itself: its zone, its mark and its networks are those of the connection that announced it. */
export function isExpectationWanted(
  { tuple, translation }: ConntrackExpectation,
  { family, protocols, except }: ConntrackFilter,
): boolean {
  if (family !== undefined && tuple.source.length !== (family === 6 ? 16 : 4)) return false;
  if (protocols !== undefined && !protocols.includes(tuple.protocol)) return false;
  return except === undefined || !isAnyWithin(tuple, translation?.tuple ?? tuple, except);
}

function isAnyWithin(
  original: ConntrackTuple,
  reply: ConntrackTuple,
  networks: readonly ConntrackNetwork[],
): boolean {
  return [original.source, original.destination, reply.source, reply.destination].some((each) =>
    networks.some(({ network, prefix }) => isWithin(each, network, prefix)),
  );
}

function isWithin(address: Uint8Array, network: Uint8Array, prefix: number): boolean {
  if (address.length !== network.length) return false;
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network[i]) return false;
  const left = prefix & 7;
  return left === 0 || ((address[whole] ?? 0) ^ (network[whole] ?? 0)) >> (8 - left) === 0;
}
