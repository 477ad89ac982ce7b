// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { isPlatformError } from '../errors.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { listAddresses } from '../netlink/address.ts';
import { type Link, listLinks } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { announcementFrame, broadcastPacketAddress } from './arp.ts';
import { advertisementFrame } from './neighbour-advertisement.ts';

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
    for (const { index, frame } of framesOf(route, links)) {
      try {
        system.sendTo(packet, frame, 0, broadcastPacketAddress(index));
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
}

function framesOf(route: NetlinkSocket, links: readonly Link[]): Announcement[] {
  const four = listAddresses(route).flatMap(({ address, linkIndex }) => {
    const link = links.find(({ index }) => index === linkIndex);
    return link && !address.includes(':')
      ? [{ index: linkIndex, frame: announcementFrame(address, link.hardwareAddress) }]
      : [];
  });
  const six = ipv6Addresses().flatMap(({ address, name }) => {
    const link = links.find((each) => each.name === name);
    if (link === undefined) return [];
    return [{ index: link.index, frame: advertisementFrame(address, link.hardwareAddress, forwards(name)) }];
  });
  return [...four, ...six];
}

/** A line: address, index, prefix length, scope and flags, hexadecimal, and the link's name. Empty without IPv6. */
function ipv6Addresses(): { readonly address: Uint8Array; readonly name: string }[] {
  return readOr('/proc/thread-self/net/if_inet6', '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [address = '', , , , , name = ''] = line.trim().split(/\s+/);
      return { address: Uint8Array.from(Buffer.from(address, 'hex')), name };
    });
}

function forwards(name: string): boolean {
  return readOr(`/proc/sys/net/ipv6/conf/${name}/forwarding`, '0').trim() === '1';
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
