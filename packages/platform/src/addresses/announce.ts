// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { listAddresses } from '../netlink/address.ts';
import { ipBytes } from '../netlink/ip.ts';
import { type Link, listLinks } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { announcementFrame } from './arp.ts';
import { advertisementFrame } from './neighbour-advertisement.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, packetAddress } from './packet-socket.ts';

/**
 * Tells the neighbours of every link where the addresses of this namespace are: one gratuitous ARP an IPv4 address, one
 * neighbour advertisement an IPv6 address. It also makes switches learn the port. Links that are down are left out.
 * @returns how many were sent
 * @throws PlatformError `EPERM`
 */
export function announceAllAddresses(): number {
  const system = libc();
  const route = new NetlinkSocket(NETLINK_ROUTE);
  let packet: number | undefined;
  let sent = 0;
  try {
    packet = system.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    const links = listLinks(route).filter(
      ({ isUp, hardwareAddress, name }) => isUp && hardwareAddress.length === 6 && name !== 'lo',
    );
    for (const { index, frame, protocol } of framesOf(route, links)) {
      try {
        system.sendTo(packet, frame, 0, packetAddress(index, protocol));
        sent += 1;
      } catch (error) {
        // It went down, or its queue is full: it is announced again.
        if (!isPlatformError(error, 'ENETDOWN', 'ENOBUFS')) throw error;
      }
    }
    return sent;
  } finally {
    if (packet !== undefined) system.close(packet);
    route.close();
  }
}

interface Announcement {
  /** Of the link. */
  readonly index: number;
  readonly frame: Uint8Array;
  readonly protocol: number;
}

function framesOf(route: NetlinkSocket, links: readonly Link[]): Announcement[] {
  return listAddresses(route, 'any').flatMap(({ address, linkIndex }) => {
    const link = links.find(({ index }) => index === linkIndex);
    return link === undefined ? [] : [{ index: linkIndex, ...announcementOf(address, link) }];
  });
}

/** The frame that tells neighbours on a link that an address is there, and its Ethernet type. */
export function announcementOf(
  address: string,
  { hardwareAddress, isRouter }: Pick<Link, 'hardwareAddress' | 'isRouter'>,
): { readonly frame: Uint8Array; readonly protocol: number } {
  return address.includes(':')
    ? {
        frame: advertisementFrame(ipBytes(address), hardwareAddress, isRouter),
        protocol: ETHERTYPE_IPV6,
      }
    : { frame: announcementFrame(address, hardwareAddress), protocol: ETHERTYPE_ARP };
}
