// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '@vnfpool/core/declared';
import { readVirtualAddress } from '@vnfpool/wire/mobility';

/** Where each process of a set runs when `up` brings it up on one machine. */
export interface Layout {
  readonly prefixLength: number;
  readonly registrar: string;
  readonly manager: string;
  readonly traffic: string;
  readonly nodes: ReadonlyMap<string, string>;
}

export class LayoutError extends Error {
  readonly code = 'LAYOUT';
}

/** Link of every node. */
const LINK = 'eth0';
/** Used when no pool has a virtual address. */
const DEFAULT_NETWORK = '10.77.0.0/24';

/**
 * Gives every process an address of its own in the network of the set's virtual addresses, so that all of
 * them stand on one segment. Host numbers that are taken by virtual addresses are left out.
 *
 * @throws LayoutError when virtual addresses lie in several networks or the network has too few places
 */
export function layOut(set: DeclaredSet): Layout {
  const all = set.pools.flatMap((pool) =>
    pool.addresses.flat().map((address) => ({ pool: pool.name, address })),
  );
  for (const { pool, address } of all) {
    const link = readVirtualAddress(address)?.link ?? null;
    if (link !== null && link !== LINK)
      throw new LayoutError(
        `pool ${pool}: address ${address} is on ${link}; "up" gives every node one link, ${LINK}`,
      );
  }
  // The processes of the set have IPv4 addresses; a virtual IPv6 address needs no network of theirs.
  const declared = all
    .filter(({ address }) => !address.includes(':'))
    .map(({ pool, address }) => ({ pool, address: address.replace(/%[^/]*/, '') }));
  const first = declared[0]?.address ?? DEFAULT_NETWORK;
  const network = networkOf(first);
  for (const { pool, address } of declared) {
    const other = networkOf(address);
    if (other.base !== network.base || other.prefixLength !== network.prefixLength) {
      throw new LayoutError(
        `pool ${pool}: address ${address} is not in the network of ${first}; "up" joins all nodes by one bridge, so every virtual address must be in one network`,
      );
    }
  }
  const taken = new Set(declared.map(({ address }) => parse(address.split('/')[0] ?? '')));
  const last = network.base + 2 ** (32 - network.prefixLength) - 2;
  let next = network.base + 1;
  const place = (): string => {
    while (taken.has(next)) next += 1;
    if (next > last)
      throw new LayoutError(`network ${first} has too few addresses for ${set.nodes.length} nodes`);
    next += 1;
    return format(next - 1);
  };
  const registrar = place();
  const manager = place();
  const traffic = place();
  const nodes = new Map(set.nodes.map((node) => [node.name, place()]));
  return { prefixLength: network.prefixLength, registrar, manager, traffic, nodes };
}

/** The layout without namespaces: everyone on loopback. */
export function layOutOnLoopback(set: DeclaredSet): Layout {
  const loopback = '127.0.0.1';
  return {
    prefixLength: 8,
    registrar: loopback,
    manager: loopback,
    traffic: loopback,
    nodes: new Map(set.nodes.map((node) => [node.name, loopback])),
  };
}

function networkOf(text: string): { base: number; prefixLength: number } {
  const [address = '', length = '32'] = text.split('/');
  const prefixLength = Number(length);
  const size = 2 ** (32 - prefixLength);
  return { base: Math.floor(parse(address) / size) * size, prefixLength };
}

function parse(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function format(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
