// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import type { AddressClaim, AddressListener, AddressPlace, VirtualAddresses } from '../interfaces.ts';
import { AF_PACKET, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_RAW } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { addAddress, deleteAddress, listAddresses } from '../netlink/address.ts';
import { findLink, listLinks } from '../netlink/link.ts';
import { listNeighbours } from '../netlink/neighbour.ts';
import { destroyConnections, undestroyable } from '../netlink/sock-diag.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NetlinkSocket } from '../netlink/socket.ts';
import { announcementOf } from './announce.ts';
import { type CarrierLink, CarrierLinks, isSlotLink } from './carrier-links.ts';
import { hardwareText } from './claim.ts';
import { ClaimListeners } from './claim-listener.ts';
import { LinkEvents } from './link-events.ts';
import { packetAddress } from './packet-socket.ts';
import { Prober } from './prober.ts';
import { SourceRoutes } from './source-routes.ts';

const REPEATS_MAX = 16;

/** Where virtual addresses live. */
export interface VirtualAddressesOptions {
  /** An Ethernet-like link of the calling thread's namespace, `eth0`, for addresses that name none. */
  readonly interface: string;
  /** Without it links and others are not listened to. */
  readonly listener?: AddressListener;
}

/** The Linux implementation, which also tells what its kernel lacks. */
export interface LinuxVirtualAddresses extends VirtualAddresses {
  /** Of which connections `destroySockets` ends none, and why; undefined: it ends all. Tried when this is made. */
  readonly socketDestroyMissing: string | undefined;
}

/**
 * Virtual addresses by rtnetlink and AF_PACKET, in the namespace of the calling thread; the sockets stay in it.
 *
 * An address stands alone, as /32 or /128. It is deprecated as source, so that nothing but what binds to it speaks from it.
 * A link answers ARP only for its own addresses (`arp_ignore` 1) and asks with the best matching one (`arp_announce` 2).
 * `announce` throws `ENOBUFS` when the fence, or a full queue, stops the frame.
 * @throws PlatformError `ENODEV`; `BAD_ARGUMENT` for a link without a hardware address; `EPERM`
 */
export function createVirtualAddresses(options: VirtualAddressesOptions): LinuxVirtualAddresses {
  const opened: (() => void)[] = [];
  try {
    const route = new NetlinkSocket(NETLINK_ROUTE);
    opened.push(() => route.close());
    const links = new CarrierLinks(route);
    links.find(options.interface);
    const diag = new NetlinkSocket(NETLINK_SOCK_DIAG);
    opened.push(() => diag.close());
    // Protocol 0: this socket sends only, and no frame is queued at it.
    const packet = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    opened.push(() => libc().close(packet));
    return new KernelAddresses(options, { route, diag, packet, links });
  } catch (error) {
    for (const release of opened) release();
    throw error;
  }
}

interface Sockets {
  readonly route: NetlinkSocket;
  readonly diag: NetlinkSocket;
  readonly packet: number;
  readonly links: CarrierLinks;
}

interface Raised {
  readonly place: AddressPlace;
  readonly carrier: CarrierLink;
}

/** A link that is needed, for an address or by itself. */
interface Need {
  readonly key: string;
  /** Why it is missing, as it was told last; null: it is not. */
  told: string | null;
  readonly look: () => string | null;
  readonly tell: (missing: string | null) => void;
}

class KernelAddresses implements LinuxVirtualAddresses {
  readonly socketDestroyMissing: string | undefined;
  readonly #undestroyable: ReadonlySet<number>;
  readonly #options: VirtualAddressesOptions;
  readonly #sockets: Sockets;
  readonly #events: LinkEvents | undefined;
  readonly #raised = new Map<string, Raised>();
  readonly #claims = new ClaimListeners((claim) => this.#heard(claim));
  readonly #prober = new Prober();
  readonly #routes: SourceRoutes;
  /** Addresses on links of their own that came up, and have no routes yet. */
  readonly #unrouted = new Set<string>();
  /** Addresses whose connections were ended after they left: none can have come since, and a take-over need not look. */
  readonly #ended = new Set<string>();
  #needs: readonly Need[] = [];
  #peers: ReadonlySet<string> = new Set();
  #settling: NodeJS.Immediate | undefined;

  constructor(options: VirtualAddressesOptions, sockets: Sockets) {
    this.#options = options;
    this.#sockets = sockets;
    this.#routes = new SourceRoutes(sockets.route);
    const missing = undestroyable(sockets.diag);
    this.#undestroyable = new Set(missing.keys());
    this.socketDestroyMissing = missingText(missing);
    const { listener } = options;
    if (listener === undefined) return;
    this.#events = new LinkEvents({
      changed: () => this.#telling(() => this.#look()),
      failed: (error) => listener.failed(error),
    });
  }

  follow(places: readonly AddressPlace[], needed: readonly string[] = []): void {
    this.#sockets.links.removeOwn(new Set(places.flatMap(({ own }) => own?.name ?? [])));
    const names = places.map((place) => this.#nameOf(place));
    this.#claims.keep(new Set([...names, ...[...this.#raised.values()].map(({ carrier }) => carrier.name)]));
    if (this.#events !== undefined) for (const name of names) this.#claims.open(name);
    const addresses = new Set(places.map(({ address }) => address));
    for (const address of this.#ended) if (!addresses.has(address)) this.#ended.delete(address);
    // Whoever hears of it may think of the place as a new one: what is missing is told anew, and what is so no more.
    const former = new Set(this.#needs.flatMap(({ key, told }) => (told === null ? [] : [key])));
    this.#needs = [
      ...places.map((place) => this.#needOf(place)),
      ...needed.map((link) => this.#needOfLink(link)),
    ];
    this.#sockets.links.refresh();
    this.#lookAtLinks();
    this.#setIdleDown();
    for (const { key, told, tell } of this.#needs) if (told === null && former.has(key)) tell(null);
  }

  usePeers(addresses: readonly string[]): void {
    this.#peers = new Set(addresses);
  }

  raise(where: AddressPlace | string, isQuiet = false): void {
    const place = placeOf(where);
    const { address } = place;
    const { links } = this.#sockets;
    this.#ended.delete(address);
    const carrier = this.#carrierOf(place);
    const known = this.#raised.get(address);
    if (known !== undefined && known.carrier.index !== carrier.index) this.withdraw(address);
    // Before it is up: frames for it come in at once then.
    if (known?.carrier.index !== carrier.index) this.#add(address, carrier);
    if (place.own !== null && !isQuiet) {
      links.setUp(carrier, true);
      // The kernel may have dropped what it had of IPv6 while the link was down.
      if (address.includes(':')) this.#add(address, carrier);
      this.#unrouted.add(address);
    }
    this.#raised.set(address, { place, carrier });
    if (this.#events !== undefined) this.#claims.open(carrier.name);
    this.#settleSoon();
  }

  withdraw(address: string): void {
    const { route } = this.#sockets;
    const known = this.#raised.get(address);
    this.#raised.delete(address);
    this.#unrouted.delete(address);
    this.#routes.remove(address);
    if (known === undefined) {
      // An earlier process may have left it, on whatever link.
      for (const found of listAddresses(route, address.includes(':') ? 6 : 4))
        if (found.address === address && found.isDeprecated && found.prefix === hostPrefix(address))
          this.#delete(address, found.linkIndex);
      this.#setIdleDown();
      return;
    }
    const { carrier, place } = known;
    this.#delete(address, carrier.index);
    const isLast = ![...this.#raised.values()].some((other) => other.carrier.name === carrier.name);
    if (place.own !== null && isLast) this.#setDown(carrier);
    this.#settleSoon();
  }

  announce(where: AddressPlace | string, repeats: number): void {
    const place = placeOf(where);
    const { name, index, hardwareAddress } = this.#carrierOf(place);
    // Asked anew, as nobody tells when a link begins to forward; ARP does not say it.
    const isRouter = place.address.includes(':') && findLink(this.#sockets.route, name).isRouter;
    const { frame, protocol } = announcementOf(place.address, { hardwareAddress, isRouter });
    const everybody = packetAddress(index, protocol);
    for (let sent = 0; sent < Math.min(repeats, REPEATS_MAX); sent++)
      libc().sendTo(this.#sockets.packet, frame, 0, everybody);
  }

  probe(places: readonly AddressPlace[], answered: (claims: readonly AddressClaim[]) => void): void {
    const nameOf = ({ link }: AddressPlace): string => link ?? this.#options.interface;
    const question = [...new Set(places.map(nameOf))].flatMap((name) => {
      // Asked at the link of the node: one of the slot's own is still down.
      const link = this.#find(name);
      const asked = places.filter((place) => nameOf(place) === name);
      return link === undefined ? [] : [{ link, addresses: asked.map(({ address }) => address) }];
    });
    this.#prober.ask(question, (claims) => answered(claims.filter((claim) => !this.#isOfNodes(claim))));
  }

  destroySockets(address: string): void {
    if (this.#ended.has(address)) return;
    if (!this.#raised.has(address)) this.#ended.add(address);
    destroyConnections(this.#sockets.diag, address, this.#undestroyable);
  }

  close(): void {
    clearImmediate(this.#settling);
    this.#prober.close();
    this.#claims.close();
    this.#events?.close();
    const { route, diag, packet, links } = this.#sockets;
    try {
      for (const address of this.#raised.keys()) this.#routes.remove(address);
      links.removeOwn(new Set());
    } finally {
      route.close();
      diag.close();
      libc().close(packet);
    }
  }

  /** Of the link that it is on. */
  #nameOf({ link, own }: AddressPlace): string {
    return own?.name ?? link ?? this.#options.interface;
  }

  #find(name: string): CarrierLink | undefined {
    try {
      return this.#sockets.links.find(name);
    } catch (error) {
      if (isPlatformError(error)) return undefined;
      throw error;
    }
  }

  #carrierOf(place: AddressPlace): CarrierLink {
    return this.#sockets.links.carrierOf(place, place.link ?? this.#options.interface);
  }

  #add(address: string, { index }: CarrierLink): void {
    try {
      addAddress(this.#sockets.route, index, { address, prefix: hostPrefix(address) }, true);
    } catch (error) {
      if (!isPlatformError(error, 'EEXIST')) throw error;
    }
  }

  #delete(address: string, linkIndex: number): void {
    try {
      deleteAddress(this.#sockets.route, linkIndex, { address, prefix: hostPrefix(address) });
    } catch (error) {
      if (!isPlatformError(error, 'EADDRNOTAVAIL', 'ENODEV')) throw error;
    }
  }

  #setDown(carrier: CarrierLink): void {
    try {
      this.#sockets.links.setUp(carrier, false);
    } catch (error) {
      // Gone, and what it carried with it.
      if (!isPlatformError(error, 'ENODEV')) throw error;
    }
  }

  /**
   * Sets down links of slots' own that carry no address of a slot: an earlier process left them up, or somebody removed the address. Other
   * slots of this node would reach them in place of the holder. One that does carry some may go on under this process.
   */
  #setIdleDown(): void {
    const { links, route } = this.#sockets;
    const { ownUp } = links;
    if (ownUp.length === 0) return;
    const carrying = new Set([...this.#raised.values()].map(({ carrier }) => carrier.index));
    for (const { linkIndex, address, prefix, isDeprecated } of listAddresses(route, 'any'))
      if (isDeprecated && prefix === hostPrefix(address)) carrying.add(linkIndex);
    for (const carrier of ownUp) if (!carrying.has(carrier.index)) this.#setDown(carrier);
  }

  // What happens behind our back ------------------------------------------------------------------------------

  /** Whoever only watches ends nothing when the kernel refuses. */
  #telling(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      this.#options.listener?.failed(error);
    }
  }

  /** Something changed at links or addresses: tells what of it concerns us. */
  #look(): void {
    const { links, route } = this.#sockets;
    links.refresh();
    this.#lookAtLinks();
    const present = new Set(
      listAddresses(route, 'any').map(({ linkIndex, address }) => `${linkIndex} ${address}`),
    );
    for (const [address, { carrier }] of this.#raised) {
      if (present.has(`${carrier.index} ${address}`)) continue;
      this.#raised.delete(address);
      this.#options.listener?.vanished(address);
    }
    this.#settleSoon();
  }

  /** Looks at every link that is needed, and tells which are missing, or there again. */
  #lookAtLinks(): void {
    for (const need of this.#needs) {
      const now = need.look();
      if (now === need.told) continue;
      need.told = now;
      need.tell(now);
    }
  }

  #needOf(place: AddressPlace): Need {
    const link = place.link ?? this.#options.interface;
    const look = (): string | null => {
      try {
        this.#carrierOf(place);
        return this.#whyDead(link);
      } catch (error) {
        if (!isPlatformError(error)) throw error;
        return error.code === 'ENODEV' ? noLink(link) : `${link}: ${error.message}`;
      }
    };
    const tell = (missing: string | null): void => this.#options.listener?.placed(place.address, missing);
    return { key: `address ${place.address}`, told: null, look, tell };
  }

  /** One that carries no address: it may be of any kind, and is left as it is. */
  #needOfLink(link: string): Need {
    const look = (): string | null =>
      this.#sockets.links.isThere(link) ? this.#whyDead(link) : noLink(link);
    const tell = (missing: string | null): void => this.#options.listener?.linkPlaced(link, missing);
    return { key: `link ${link}`, told: null, look, tell };
  }

  /** Without the node's own link it is no candidate for any slot there, which is told otherwise. */
  #whyDead(link: string): string | null {
    const isDead = link !== this.#options.interface && !this.#sockets.links.hasCarrier(link);
    return isDead ? `link ${link} has no carrier` : null;
  }

  /** What a take-over does not wait for: listening, and routes of what is sent from links of their own. */
  #settleSoon(): void {
    this.#settling ??= setImmediate(() => {
      this.#settling = undefined;
      this.#telling(() => this.#settle());
    });
  }

  #settle(): void {
    for (const address of this.#unrouted) {
      this.#unrouted.delete(address);
      const raised = this.#raised.get(address);
      if (raised === undefined) continue;
      const { place, carrier } = raised;
      const lower = this.#find(place.link ?? this.#options.interface);
      if (lower !== undefined) this.#routes.set(place, carrier, lower);
    }
    if (this.#options.listener !== undefined)
      this.#claims.listenFor([...this.#raised].map(([address, { carrier }]) => ({ address, carrier })));
  }

  #heard(claim: AddressClaim): void {
    this.#telling(() => {
      if (this.#raised.has(claim.address) && !this.#isOfSlot(claim) && !this.#isOfNodes(claim))
        this.#options.listener?.claimed(claim);
    });
  }

  /**
   * The same link of a former holder, late. Not so where an address is only asked for: whoever answers by it is a stranger, who
   * may have its VRID, as these links are down but at a holder.
   */
  #isOfSlot({ hardwareAddress }: AddressClaim): boolean {
    return listLinks(this.#sockets.route).some(
      (link) => isSlotLink(link) && hardwareText(link.hardwareAddress) === hardwareAddress,
    );
  }

  /** A late word of a node of the set, or one of this node's links, is no foreign claim. */
  #isOfNodes({ hardwareAddress }: AddressClaim): boolean {
    const { route } = this.#sockets;
    const isIt = (octets: Uint8Array): boolean => hardwareText(octets) === hardwareAddress;
    return (
      listLinks(route).some((link) => !isSlotLink(link) && isIt(link.hardwareAddress)) ||
      listNeighbours(route).some((peer) => this.#peers.has(peer.address) && isIt(peer.hardwareAddress))
    );
  }
}

function placeOf(where: AddressPlace | string): AddressPlace {
  return typeof where === 'string' ? { address: where, link: null, own: null } : where;
}

function noLink(link: string): string {
  return `there is no link ${link}`;
}

function hostPrefix(address: string): number {
  return address.includes(':') ? 128 : 32;
}

function missingText(missing: ReadonlyMap<number, Error>): string | undefined {
  const [reason] = missing.values();
  if (reason === undefined) return undefined;
  const names = [...missing.keys()].map((protocol) => (protocol === IPPROTO_TCP ? 'TCP' : 'UDP'));
  return `this kernel cannot end connections of ${names.join(' and ')} (${reason.message})`;
}
