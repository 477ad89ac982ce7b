// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import type { AddressPlace } from '../interfaces.ts';
import { ipBytes, ipText } from '../netlink/ip.ts';
import { gatewayOn, setTableRoute } from '../netlink/route.ts';
import { addSourceRule, deleteSourceRule, type SourceRule } from '../netlink/rule.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import type { CarrierLink } from './carrier-links.ts';

/** Above the numbers that people give. */
const TABLE_BASE = 0x766e_0000;

/**
 * What is sent from an address on a link of its own leaves by that link, with its hardware address: to neighbours, and by
 * way of the gateway that the link beneath has. Everything else goes by the routes of the node.
 */
export class SourceRoutes {
  readonly #route: NetlinkSocket;
  readonly #rules = new Map<string, SourceRule>();

  constructor(route: NetlinkSocket) {
    this.#route = route;
  }

  /** @param lower the link beneath @throws PlatformError `ENETDOWN` */
  set({ address, own }: AddressPlace, carrier: CarrierLink, lower: CarrierLink): void {
    if (own === null) return;
    const table = TABLE_BASE + (carrier.index & 0xffff);
    const linkIndex = carrier.index;
    const octets = ipBytes(address);
    const isV6 = octets.length === 16;
    const network = { address: ipText(masked(octets, own.prefix)), prefix: own.prefix };
    setTableRoute(this.#route, { table, linkIndex, to: network });
    const via = this.#gateway(lower, isV6 ? 6 : 4);
    if (via !== undefined && ipText(masked(ipBytes(via), own.prefix)) === network.address) {
      const to = { address: isV6 ? '::' : '0.0.0.0', prefix: 0 };
      setTableRoute(this.#route, { table, linkIndex, to, via });
    }
    this.#rules.set(address, { address, table });
    try {
      addSourceRule(this.#route, { address, table });
    } catch (error) {
      if (!isPlatformError(error, 'EEXIST')) throw error;
    }
  }

  /** The routes themselves go when the link goes down. */
  remove(address: string): void {
    const rule = this.#rules.get(address);
    if (rule === undefined) return;
    this.#rules.delete(address);
    try {
      deleteSourceRule(this.#route, rule);
    } catch (error) {
      if (!isPlatformError(error, 'ENOENT')) throw error;
    }
  }

  #gateway({ index }: CarrierLink, family: 4 | 6): string | undefined {
    try {
      return gatewayOn(this.#route, index, family);
    } catch (error) {
      // No way there at all.
      if (isPlatformError(error, 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN')) return undefined;
      throw error;
    }
  }
}

function masked(octets: Uint8Array, prefix: number): Uint8Array {
  return octets.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, prefix - at * 8))));
}
