// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { isPlatformError, PlatformError } from '../errors.ts';
import type { AddressPlace } from '../interfaces.ts';
import { deleteLink, findLink, type Link, listLinks, setLinkAlias, setLinkUp } from '../netlink/link.ts';
import { generateNoAddresses, setIpv4Settings } from '../netlink/link-settings.ts';
import { createMacvlan } from '../netlink/macvlan.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { hardwareBytes } from './claim.ts';

/** A link that carries virtual addresses. */
export interface CarrierLink {
  readonly name: string;
  readonly index: number;
  readonly hardwareAddress: Uint8Array;
}

/** Marks links that we made. */
const ALIAS = 'vnfpool slot';
/** Answers ARP only for addresses of the link itself, asks with the best matching one. */
const ARP_SETTINGS = { arp_ignore: 1, arp_announce: 2 };
/** What comes in by a link of a slot's own may be answered by the one beneath. */
const LOOSE_REVERSE_PATH = 2;

/** Whether we, or an earlier process, made it for a slot. */
export function isSlotLink({ alias }: Pick<Link, 'alias'>): boolean {
  return alias === ALIAS;
}

/**
 * Links that carry virtual addresses: those of the node, by name, and those that slots have for themselves above these. What is
 * known of a link is found once, and forgotten when it may have changed.
 */
export class CarrierLinks {
  readonly #route: NetlinkSocket;
  readonly #known = new Map<string, CarrierLink>();
  /** Links of a slot's own that are up, also such as an earlier process left so. */
  readonly #up = new Set<string>();
  /** All links, each with whether it has a carrier, as of the last look. */
  #carriers: ReadonlyMap<string, boolean> = new Map();

  constructor(route: NetlinkSocket) {
    this.#route = route;
  }

  /**
   * A link of the node, made fit for virtual addresses.
   * @throws PlatformError `ENODEV`; `BAD_ARGUMENT` for one without a hardware address
   */
  find(name: string): CarrierLink {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const link = findLink(this.#route, name);
    if (link.hardwareAddress.length !== 6) {
      const message = `${name} has no hardware address to announce`;
      throw new PlatformError('BAD_ARGUMENT', message, { call: 'virtual addresses' });
    }
    const { index, hardwareAddress } = link;
    setIpv4Settings(this.#route, index, ARP_SETTINGS);
    const found = { name, index, hardwareAddress };
    this.#known.set(name, found);
    if (link.alias === ALIAS && link.isUp) this.#up.add(name);
    return found;
  }

  /** The link that an address is on; one of its own is made, and down, where it is not there. */
  carrierOf({ own }: AddressPlace, link: string): CarrierLink {
    const lower = this.find(link);
    if (own === null) return lower;
    try {
      return this.find(own.name);
    } catch (error) {
      if (!isPlatformError(error, 'ENODEV')) throw error;
    }
    const { name } = own;
    createMacvlan(this.#route, {
      name,
      lowerIndex: lower.index,
      hardwareAddress: hardwareBytes(own.hardwareAddress),
    });
    this.#up.delete(name);
    const { index } = findLink(this.#route, name);
    setLinkAlias(this.#route, index, ALIAS);
    setIpv4Settings(this.#route, index, { rp_filter: LOOSE_REVERSE_PATH });
    this.#keepQuiet(index, name);
    return this.find(name);
  }

  /** IPv6 says nothing on it by itself, and takes no routes from it. */
  #keepQuiet(index: number, name: string): void {
    try {
      generateNoAddresses(this.#route, index);
      writeFileSync(`/proc/sys/net/ipv6/conf/${name}/accept_ra`, '0\n');
    } catch (error) {
      // A kernel without IPv6, where there is nothing to keep quiet.
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!['EAFNOSUPPORT', 'EINVAL', 'ENOENT'].includes(code)) throw error;
    }
  }

  /** Links of a slot's own that are up. */
  get ownUp(): CarrierLink[] {
    return [...this.#up].flatMap((name) => this.#known.get(name) ?? []);
  }

  /** Sets a link of a slot's own up or down. */
  setUp({ name, index }: CarrierLink, isUp: boolean): void {
    if (this.#up.has(name) === isUp) return;
    setLinkUp(this.#route, index, isUp);
    if (isUp) this.#up.add(name);
    else this.#up.delete(name);
  }

  /** Forgets what may have changed: links that are gone, or another one now. */
  refresh(): void {
    const present = new Map(listLinks(this.#route).map((link) => [link.name, link]));
    this.#carriers = new Map([...present].map(([name, { hasCarrier }]) => [name, hasCarrier]));
    const changed = [...this.#known.values()].filter(({ name, index, hardwareAddress }) => {
      const link = present.get(name);
      return link?.index !== index || Buffer.compare(link.hardwareAddress, hardwareAddress) !== 0;
    });
    for (const { name } of changed) {
      this.#known.delete(name);
      this.#up.delete(name);
    }
    for (const name of this.#known.keys()) {
      const link = present.get(name);
      if (link?.isUp !== true) this.#up.delete(name);
      else if (link.alias === ALIAS) this.#up.add(name);
    }
  }

  /** Whether it is there, as of the last `refresh`. */
  isThere(name: string): boolean {
    return this.#carriers.has(name);
  }

  /** Whether what is sent goes anywhere, as of the last `refresh`; a link that came since has a carrier. */
  hasCarrier(name: string): boolean {
    return this.#carriers.get(name) !== false;
  }

  /** Removes links that we, or an earlier process, made for slots, but for those named. */
  removeOwn(except: ReadonlySet<string>): void {
    for (const link of listLinks(this.#route)) {
      const { index, name } = link;
      if (!isSlotLink(link) || except.has(name)) continue;
      this.#known.delete(name);
      this.#up.delete(name);
      try {
        deleteLink(this.#route, index);
      } catch (error) {
        // It went with the link beneath.
        if (!isPlatformError(error, 'ENODEV')) throw error;
      }
    }
  }
}
