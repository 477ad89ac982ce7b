// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { listAddresses } from '../netlink/address.ts';
import { listLinks } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { announcementFrame, broadcastPacketAddress } from './arp.ts';

/**
 * Tells the neighbours of every link where the IPv4 addresses of this namespace are: one gratuitous ARP an address. It also makes
 * switches learn the port. Links that are down are left out.
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
    const links = new Map(listLinks(route).map((link) => [link.index, link]));
    for (const { address, linkIndex } of listAddresses(route)) {
      const link = links.get(linkIndex);
      if (link?.isUp !== true || link.hardwareAddress.length !== 6 || link.name === 'lo') continue;
      try {
        const frame = announcementFrame(address, link.hardwareAddress);
        system.sendTo(packet, frame, 0, broadcastPacketAddress(linkIndex));
        sent += 1;
      } catch (error) {
        if (!isPlatformError(error, 'ENETDOWN', 'ENOBUFS')) throw error;
      }
    }
    return sent;
  } finally {
    if (packet !== undefined) system.close(packet);
    route.close();
  }
}
