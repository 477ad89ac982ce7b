// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import {
  isLinkName,
  readVirtualAddress,
  type SlotAddressing,
  type VirtualAddress,
  virtualAddressText,
} from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { duration } from './duration.ts';
import { normalRedundancy } from './redundancy.ts';
import type { DeclarationFile, PoolFile } from './schema.ts';
import { count } from './words.ts';

/** A virtual address as a person writes it. */
export type AddressFile = string | { readonly address: string; readonly link?: string | undefined };
/** Of one slot: one, or several. */
export type SlotAddressesFile = AddressFile | readonly AddressFile[];

export interface AddressingFile {
  readonly mode: 'link-mac' | 'same-mac';
  readonly vrid?: number | undefined;
  readonly announce?: { readonly repeats: number; readonly every: number } | undefined;
  readonly onConflict: 'refuse' | 'raise';
  readonly forwarding?: readonly string[] | undefined;
}

/** Virtual addresses of one slot. */
const SLOT_ADDRESSES_MAX = 16;
const VRID_MAX = 255;
const FORWARDING_LINKS_MAX = 16;

const wanted = 'must be an address with prefix length, such as 10.77.0.100/24, or a map of address and link';

const linkName = (): z.ZodString => z.string().refine(isLinkName, 'must be the name of a link, and not lo');

const entryMap: z.ZodType<AddressFile> = z.strictObject({
  address: z.string().meta({ description: 'With prefix length: `10.77.0.100/24`, `2001:db8::100/64`.' }),
  link: linkName()
    .optional()
    .meta({ description: 'Link of the nodes on which it is raised; default: that of `--interface`.' }),
});
const entry: z.ZodType<AddressFile> = z.union([z.string(), entryMap], { error: wanted });

/** The addresses of one slot. */
export const slotAddressesSchema: z.ZodType<SlotAddressesFile> = z.union(
  [z.string(), entryMap, z.array(entry).min(1, 'must have at least 1 entry').max(SLOT_ADDRESSES_MAX)],
  { error: `${wanted}, or a list of these` },
);

export const addressingSchema: z.ZodType<AddressingFile> = z.strictObject({
  mode: z.enum(['link-mac', 'same-mac']).default('link-mac').meta({
    description:
      '`link-mac`: neighbours are told the hardware address of whichever node holds the slot; `same-mac`: the slot has one of its own, which goes with it.',
  }),
  vrid: count(1, VRID_MAX).optional().meta({
    description:
      'With `same-mac`: the hardware address is that of this virtual router (00-00-5E-00-01-VRID, of IPv6 00-00-5E-00-02-VRID), for further slots of the next ones. Default: one derived from the slot.',
  }),
  announce: z
    .strictObject({
      repeats: count(0, 60).default(3).meta({ description: 'Announcements after the first.' }),
      every: duration(20, 60_000).prefault('1s').meta({ description: 'Time from one to the next.' }),
    })
    .optional()
    .meta({
      description:
        'How often a new holder tells its neighbours. Default: at once, and after 100ms, 1s and 3s.',
    }),
  onConflict: z.enum(['refuse', 'raise']).default('refuse').meta({
    description:
      'When somebody outside the set has an address of a new slot, or one that a slot gets: do not raise it as long as that lasts, or raise it anyway.',
  }),
  forwarding: z
    .array(linkName())
    .min(1, 'must name at least 1 link')
    .max(FORWARDING_LINKS_MAX)
    .optional()
    .meta({
      description:
        'Of a gateway with one slot: links of its nodes, such as `eth1`, into and out of which a node forwards packets only while it holds the slot.',
    }),
});

/** An address with the key that gave it. */
interface Given {
  readonly text: string;
  readonly link: string | undefined;
  /** Below the pool. */
  readonly path: readonly PropertyKey[];
}

/** Addresses of a pool, by slot. */
export function virtualAddresses(pool: PoolFile): readonly (readonly Given[])[] {
  if (pool.addresses) return pool.addresses.map((slot, index) => givenOf(slot, ['addresses', index]));
  return pool.address === undefined ? [] : [givenOf(pool.address, ['address'])];
}

function givenOf(slot: SlotAddressesFile, path: readonly PropertyKey[]): Given[] {
  // Array.isArray does not narrow a readonly array.
  const several = Array.isArray(slot) ? (slot as readonly AddressFile[]) : undefined;
  if (several) return several.flatMap((one, index) => givenOf(one, [...path, index]));
  const one = slot as AddressFile;
  return typeof one === 'string'
    ? [{ text: one, link: undefined, path }]
    : [{ text: one.address, link: one.link, path: [...path, 'address'] }];
}

/** What is wrong with addresses, each for itself and among each other. */
export function checkAddresses(file: DeclarationFile): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, string>();
  for (const [name, pool] of Object.entries(file.pools)) {
    for (const { text, link, path } of virtualAddresses(pool).flat()) {
      const add = (message: string): unknown => findings.push({ path: ['pools', name, ...path], message });
      const read = readGiven(text, link);
      if (typeof read === 'string') {
        add(read);
        continue;
      }
      const owner = owners.get(read.address);
      if (owner === undefined) owners.set(read.address, name);
      else add(`${read.address} is given twice; pool ${owner} has it already`);
    }
  }
  return [...findings, ...checkVirtualRouters(file), ...checkForwarding(file)];
}

/** The address, or what is wrong with it. */
function readGiven(text: string, link: string | undefined): VirtualAddress | string {
  const shown = JSON.stringify(text);
  // Leading zeros are read as octal by some programs and as decimal by others.
  if (/^[\d./]+$/.test(text) && /(?:^|[./])0\d/.test(text))
    return `must not have leading zeros; got ${shown}`;
  const form = text.includes(':')
    ? 'must be an IPv6 address with prefix length, such as 2001:db8::100/64'
    : 'must be an IPv4 address with prefix length, such as 10.77.0.100/24';
  const read = readVirtualAddress(text);
  if (read === undefined) return `${form}; got ${shown}`;
  if (read.link !== null) return `${form}; name the link beside it, as { address: ..., link: ${read.link} }`;
  const { address } = read;
  if (isReserved(address))
    return `must be an address that a host can have; ${address} is ${isMulticast(address) ? 'multicast' : 'reserved'}`;
  const taken = nobodysOwn(read);
  if (taken !== '')
    return `must be an address that a host can have; ${address} is the ${taken} of /${read.prefix}`;
  if (/^fe[89ab][0-9a-f]:/.test(address) && link === undefined)
    return `${address} is link-local: it needs a link, as { address: ${JSON.stringify(text)}, link: eth0 }`;
  return { ...read, link: link ?? null };
}

/** What the first or the last address of its network is, which no host has for itself; empty: it is neither, or has no such meaning there. */
function nobodysOwn({ address, prefix }: VirtualAddress): string {
  const octets = parseIp(address);
  const bits = octets.length * 8;
  // Of two addresses both are hosts'. RFC 3021, RFC 6164.
  if (prefix >= bits - 1) return '';
  const host = [...octets].flatMap((octet, at) =>
    [7, 6, 5, 4, 3, 2, 1, 0].filter((bit) => at * 8 + 7 - bit >= prefix).map((bit) => (octet >> bit) & 1),
  );
  if (host.every((bit) => bit === 0))
    return bits === 32 ? 'network address' : 'subnet-router anycast address';
  return bits === 32 && host.every((bit) => bit === 1) ? 'broadcast address' : '';
}

function isMulticast(address: string): boolean {
  const first = Number(address.split('.')[0]);
  return address.includes(':') ? address.startsWith('ff') : first >= 224 && first < 240;
}

function isReserved(address: string): boolean {
  if (address.includes(':'))
    return isMulticast(address) || address === '::' || address === '::1' || address.startsWith('::ffff:');
  const first = Number(address.split('.')[0]);
  return first === 0 || first === 127 || first >= 224;
}

/** Hardware addresses of virtual routers, which are there once on a link. */
function checkVirtualRouters(file: DeclarationFile): Finding[] {
  const owners = new Map<number, string>();
  return Object.entries(file.pools).flatMap(([name, pool]) => {
    const at = ['pools', name, 'addressing'];
    const { addressing } = pool;
    if (addressing === undefined) return [];
    const { slots } = normalRedundancy(pool.redundancy);
    const { mode, vrid } = addressing;
    if (virtualAddresses(pool).length === 0)
      return [{ path: at, message: 'needs virtual addresses: give address or addresses' }];
    if (vrid === undefined) return [];
    const path = [...at, 'vrid'];
    if (mode !== 'same-mac') return [{ path, message: 'needs the key mode with the value same-mac' }];
    if (vrid + slots - 1 > VRID_MAX)
      return [{ path, message: `must leave room for ${slots} slots below ${VRID_MAX + 1}` }];
    for (let each = vrid; each < vrid + slots; each++) {
      const owner = owners.get(each);
      if (owner !== undefined)
        return [{ path, message: `virtual router ${each} is that of pool ${owner} already` }];
      owners.set(each, name);
    }
    return [];
  });
}

/** A link's forwarding is opened by one slot, and a node may have candidates of every pool. */
function checkForwarding(file: DeclarationFile): Finding[] {
  const owners = new Map<string, string>();
  return Object.entries(file.pools).flatMap(([name, pool]) => {
    const links = pool.addressing?.forwarding ?? [];
    const at = ['pools', name, 'addressing', 'forwarding'];
    const { slots } = normalRedundancy(pool.redundancy);
    if (links.length > 0 && slots > 1)
      return [{ path: at, message: `needs a pool with 1 slot; this one has ${slots}` }];
    return links.flatMap((link, index): Finding[] => {
      const owner = owners.get(link);
      owners.set(link, owner ?? name);
      return owner === undefined
        ? []
        : [{ path: [...at, index], message: `${link} is given twice; pool ${owner} has it already` }];
    });
  });
}

/** As a set has it. */
export function normalAddresses(pool: PoolFile): DeclaredPool['addresses'] {
  return virtualAddresses(pool).map((slot) => {
    const texts = slot.flatMap(({ text, link }) => {
      const read = readGiven(text, link);
      return typeof read === 'string' ? [] : [virtualAddressText(read)];
    });
    const [only] = texts;
    return texts.length === 1 && only !== undefined ? only : texts;
  });
}

/** Only what is not as it is by default. */
export function normalAddressing(addressing: AddressingFile | undefined): Pick<DeclaredPool, 'addressing'> {
  if (addressing === undefined) return {};
  const { mode, vrid, announce, onConflict, forwarding } = addressing;
  const normal: SlotAddressing = {
    ...(announce === undefined ? {} : { announce: { repeats: announce.repeats, everyMs: announce.every } }),
    ...(onConflict === 'refuse' ? {} : { onConflict }),
    ...(mode === 'link-mac' ? {} : { sameMac: vrid === undefined ? {} : { vrid } }),
    ...(forwarding === undefined ? {} : { forwarding }),
  };
  return Object.keys(normal).length === 0 ? {} : { addressing: normal };
}
