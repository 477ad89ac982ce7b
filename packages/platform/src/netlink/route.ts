// SPDX-License-Identifier: Apache-2.0
import { AF_INET } from '../libc/constants.ts';
import { familyOf, type IpPrefix, ipBytes, ipText } from './ip.ts';
import { attribute, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, parseAttributes, u32 } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWROUTE = 24;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;
const RTM_GETROUTE = 26;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const RT_SCOPE_LINK = 253;
/** Nobody's (RFC 5737, RFC 3849): the way to them is the way to everybody who is not near. */
const FAR = { 4: '192.0.2.1', 6: '2001:db8:ffff:ffff::1' };

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

/** Sets the route to a network in a table of one's own, through a link; with `via` by way of that neighbour. */
export function setTableRoute(socket: NetlinkSocket, { table, linkIndex, to, via }: TableRoute): void {
  const octets = ipBytes(to.address);
  const family = familyOf(to.address);
  const scope = via === undefined && family === AF_INET ? RT_SCOPE_LINK : 0;
  const header = new Uint8Array(12);
  header.set([family, to.prefix, 0, 0, 0, RTPROT_STATIC, scope, RTN_UNICAST]);
  socket.request(`route ${to.address}/${to.prefix}`, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, [
    header,
    ...(to.prefix === 0 ? [] : [attribute(RTA_DST, octets)]),
    u32(RTA_OIF, linkIndex),
    u32(RTA_TABLE, table),
    ...(via === undefined ? [] : [attribute(RTA_GATEWAY, ipBytes(via))]),
  ]);
}

/** A route in a table of one's own. */
export interface TableRoute {
  readonly table: number;
  readonly linkIndex: number;
  /** Prefix 0: everything else. */
  readonly to: IpPrefix;
  readonly via?: string;
}

/** The neighbour on a link by way of which far hosts are reached; undefined: none. */
export function gatewayOn(socket: NetlinkSocket, linkIndex: number, family: 4 | 6): string | undefined {
  const far = FAR[family];
  const header = new Uint8Array(12);
  header.set([familyOf(far), ipBytes(far).length * 8]);
  const parts = [header, attribute(RTA_DST, ipBytes(far)), u32(RTA_OIF, linkIndex)];
  const [answer] = socket.request(`way to ${far}`, RTM_GETROUTE, 0, parts);
  const gateway = answer && parseAttributes(answer.body.subarray(12)).get(RTA_GATEWAY);
  return gateway && ipText(gateway);
}
