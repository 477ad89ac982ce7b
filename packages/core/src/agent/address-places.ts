// SPDX-License-Identifier: Apache-2.0
import { readVirtualAddress, type SlotDefinition } from '@vnfpool/wire/mobility';
import { fingerprint } from '../planner/fingerprint.ts';

/** A virtual address, and where a node raises it. */
export interface AddressPlace {
  /** Without prefix length. */
  readonly address: string;
  /** Null: the node's link for virtual addresses. */
  readonly link: string | null;
  /** A link of the slot's own above that one, the same on every node; null: it is on the link itself. */
  readonly own: {
    readonly name: string;
    readonly hardwareAddress: string;
    /** Length of the prefix of the network whose hosts are its neighbours. */
    readonly prefix: number;
  } | null;
}

/** The part of a slot's definition that says where its addresses are, and into which links its holder forwards. */
export type Addressed = Pick<SlotDefinition, 'id' | 'addresses' | 'addressing' | 'candidates'>;

/** Where the addresses of a slot are raised. A text that is none, which no node is told, is left out. */
export function placesOf({ id, addresses, addressing }: Addressed): AddressPlace[] {
  return addresses.flatMap((text): AddressPlace[] => {
    const read = readVirtualAddress(text);
    if (read === undefined) return [];
    const { address, link, prefix } = read;
    if (addressing?.sameMac === undefined) return [{ address, link, own: null }];
    const { vrid } = addressing.sameMac;
    return [{ address, link, own: { ...ownLink(id, link, address.includes(':') ? 6 : 4, vrid), prefix } }];
  });
}

/**
 * Links that a node needs to serve the slot besides those of its addresses: as its holder it forwards into and out of them. A node
 * without a candidate, which only votes, needs none.
 */
export function forwardingLinksOf(slot: Addressed, node: number): string[] {
  const forwarding = slot.addressing?.forwarding ?? [];
  if (forwarding.length === 0 || !slot.candidates.some((candidate) => candidate.node === node)) return [];
  const carrying = new Set(placesOf(slot).map(({ link }) => link));
  return forwarding.filter((link) => !carrying.has(link));
}

/**
 * The link that a slot has for itself above a link of the node, and its hardware address: that of a virtual router, which
 * has one a family, or a locally administered one that no other slot, and no other link of this slot, has.
 * @see RFC 9568 §7.3
 */
function ownLink(
  slot: string,
  link: string | null,
  family: 4 | 6,
  vrid: number | undefined,
): Omit<NonNullable<AddressPlace['own']>, 'prefix'> {
  const place = [slot, link];
  const hardwareAddress =
    vrid === undefined
      ? pairs(`02${fingerprint(place).slice(-10)}`)
      : `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}`;
  // Names of links have at most 15 characters.
  return { name: `vn${fingerprint([...place, hardwareAddress]).slice(-12)}`, hardwareAddress };
}

function pairs(hexadecimal: string): string {
  return (hexadecimal.match(/../g) ?? []).join(':');
}
