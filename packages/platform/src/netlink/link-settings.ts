// SPDX-License-Identifier: Apache-2.0
import { AF_INET, AF_INET6 } from '../libc/constants.ts';
import { linkHeader } from './link.ts';
import { attribute, nested, u32 } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_SETLINK = 19;
const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;

/** Settings of IPv4 on a link, with their numbers (IPV4_DEVCONF_*). */
const IPV4_SETTINGS = { rp_filter: 8, arp_announce: 18, arp_ignore: 19 } as const;

/** As `/proc/sys/net/ipv4/conf/LINK/NAME`, in the namespace of the socket, whichever the calling thread is in. */
export type Ipv4Settings = Readonly<Partial<Record<keyof typeof IPV4_SETTINGS, number>>>;

/** @throws PlatformError `ENODEV`, `EPERM` */
export function setIpv4Settings(socket: NetlinkSocket, index: number, settings: Ipv4Settings): void {
  const values = Object.entries(settings).map(([name, value]) =>
    u32(IPV4_SETTINGS[name as keyof typeof IPV4_SETTINGS], value),
  );
  socket.request(`settings of link ${index}`, RTM_SETLINK, 0, [
    linkHeader(index),
    nested(IFLA_AF_SPEC, nested(AF_INET, nested(IFLA_INET_CONF, ...values))),
  ]);
}

/** The link makes no link-local address for itself. @throws PlatformError `EAFNOSUPPORT` without IPv6 */
export function generateNoAddresses(socket: NetlinkSocket, index: number): void {
  socket.request(`addresses of link ${index}`, RTM_SETLINK, 0, [
    linkHeader(index),
    nested(IFLA_AF_SPEC, nested(AF_INET6, attribute(IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(1)))),
  ]);
}
