// SPDX-License-Identifier: Apache-2.0
import { familyOf, type IpPrefix, ipBytes } from './ip.ts';
import { attribute, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, u32 } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWROUTE = 24;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;

/** Sets the default route of the family of `gateway`, through it on a link, in place of another. */
export function setDefaultRoute(socket: NetlinkSocket, linkIndex: number, gateway: string): void {
  // struct rtmsg: family, prefix lengths of destination and source, tos, table, protocol, scope, type, flags 4.
  const header = new Uint8Array(12);
  header.set([familyOf(gateway), 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST]);
  socket.request(`default route ${gateway}`, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, [
    header,
    attribute(RTA_GATEWAY, ipBytes(gateway)),
    u32(RTA_OIF, linkIndex),
  ]);
}

/** Adds a route to a network by way of `via`, on the link of which `via` is a neighbour; `EEXIST` when there is one. */
export function addRoute(socket: NetlinkSocket, to: IpPrefix, via: string): void {
  const header = new Uint8Array(12);
  header.set([familyOf(via), to.prefix, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST]);
  socket.request(`route ${to.address}/${to.prefix}`, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, [
    header,
    attribute(RTA_DST, ipBytes(to.address)),
    attribute(RTA_GATEWAY, ipBytes(via)),
  ]);
}
