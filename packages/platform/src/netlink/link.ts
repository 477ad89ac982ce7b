// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { AF_INET6 } from '../libc/constants.ts';
import {
  attribute,
  join,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  nested,
  parseAttributes,
  readText,
  text,
  u32,
  viewOf,
} from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_STATS64 = 23;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_CONF = 2;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_STATE = 1;
const VETH_INFO_PEER = 1;
const OPERSTATE_UP = 6;
const PORT_FORWARDING = 3;
const IFF_UP = 0x1;
/** The driver says that it has a carrier. */
const IFF_LOWER_UP = 0x1_0000;

/** A network interface as the kernel lists it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** Hardware address, 6 bytes on Ethernet; empty when the link has none. */
  readonly hardwareAddress: Uint8Array;
  /** Whether it is up and has a carrier, as the kernel found out; that follows a change by up to a second. */
  readonly isOperational: boolean;
  /** Whether it is up and its driver says that it has a carrier, as it is now. */
  readonly hasCarrier: boolean;
  /** Index of the bridge it is a port of, 0 without. */
  readonly masterIndex: number;
  /** Whether that bridge forwards through it. */
  readonly isForwarding: boolean;
  /** Whether it forwards IPv6, and so is a router's. */
  readonly isRouter: boolean;
  /** Note that somebody put on it, empty without. */
  readonly alias: string;
  /** Octets that came in and went out since it was made; null: the kernel does not say. */
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
}

/** One end of a veth pair. */
export interface VethEnd {
  readonly name: string;
  /** Namespace to put it into; without, the one of the socket. */
  readonly namespaceFd?: number;
  /** 6 octets; without, the kernel chooses. */
  readonly hardwareAddress?: Uint8Array;
}

/**
 * Checks a name before it is used in a rule text or a path.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function checkInterfaceName(name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw new PlatformError('BAD_ARGUMENT', `not an interface name: ${name}`, { call: 'link' });
  }
  return name;
}

/** struct ifinfomsg: family 1, pad 1, type 2, index 4, flags 4, change 4. */
export function linkHeader(index: number, flags = 0, change = 0): Uint8Array {
  const header = new Uint8Array(16);
  const view = viewOf(header);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return header;
}

/** IFLA_LINKINFO of a link of this kind. */
export function linkKind(kind: string, ...data: readonly Uint8Array[]): Uint8Array {
  const inner = data.length === 0 ? [] : [nested(IFLA_INFO_DATA, ...data)];
  return nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, kind), ...inner);
}

/** The request that makes a bridge. */
export function bridgeRequest(name: string): Uint8Array[] {
  return [linkHeader(0), text(IFLA_IFNAME, checkInterfaceName(name)), linkKind('bridge')];
}

/** The request that makes a veth pair; `index` asks for a given number (0: any). */
export function vethRequest(end: VethEnd, peer: VethEnd, index = 0): Uint8Array[] {
  const place = (at: VethEnd): Uint8Array[] => [
    text(IFLA_IFNAME, checkInterfaceName(at.name)),
    ...(at.namespaceFd === undefined ? [] : [u32(IFLA_NET_NS_FD, at.namespaceFd)]),
    ...(at.hardwareAddress === undefined ? [] : [attribute(IFLA_ADDRESS, at.hardwareAddress)]),
  ];
  const peerInfo = attribute(VETH_INFO_PEER, join([linkHeader(0), ...place(peer)]));
  return [linkHeader(index), ...place(end), linkKind('veth', peerInfo)];
}

/** Message type and flags of the requests above. */
export const CREATE_LINK: { readonly type: number; readonly flags: number } = {
  type: RTM_NEWLINK,
  flags: NLM_F_CREATE | NLM_F_EXCL,
};

/** Makes a bridge without spanning tree: its ports forward at once. */
export function createBridge(socket: NetlinkSocket, name: string): void {
  socket.request(`create bridge ${name}`, CREATE_LINK.type, CREATE_LINK.flags, bridgeRequest(name));
}

/** Makes a veth pair, each end in its namespace under its name at once. */
export function createVeth(socket: NetlinkSocket, end: VethEnd, peer: VethEnd): void {
  socket.request(`create veth ${end.name}`, CREATE_LINK.type, CREATE_LINK.flags, vethRequest(end, peer));
}

/** Removes a link; with one end of a veth pair goes the other. */
export function deleteLink(socket: NetlinkSocket, index: number): void {
  socket.request(`delete link ${index}`, RTM_DELLINK, 0, [linkHeader(index)]);
}

/** Sets a link up or down. */
export function setLinkUp(socket: NetlinkSocket, index: number, isUp: boolean): void {
  const call = `set link ${index} ${isUp ? 'up' : 'down'}`;
  socket.request(call, RTM_NEWLINK, 0, [linkHeader(index, isUp ? IFF_UP : 0, IFF_UP)]);
}

/** Makes a link a port of a bridge; 0 releases it. */
export function setLinkMaster(socket: NetlinkSocket, index: number, masterIndex: number): void {
  const call = `set link ${index} master`;
  socket.request(call, RTM_NEWLINK, 0, [linkHeader(index), u32(IFLA_MASTER, masterIndex)]);
}

/** Puts a note on a link, at most 255 octets; it says whose the link is. */
export function setLinkAlias(socket: NetlinkSocket, index: number, alias: string): void {
  socket.request(`set link ${index} alias`, RTM_NEWLINK, 0, [linkHeader(index), text(IFLA_IFALIAS, alias)]);
}

/** Moves a link into a namespace; its addresses are lost and it is down there. */
export function moveLink(socket: NetlinkSocket, index: number, namespaceFd: number): void {
  const call = `move link ${index}`;
  socket.request(call, RTM_NEWLINK, 0, [linkHeader(index), u32(IFLA_NET_NS_FD, namespaceFd)]);
}

/** Renames a link, which old kernels want to be down. */
export function renameLink(socket: NetlinkSocket, index: number, name: string): void {
  const parts = [linkHeader(index), text(IFLA_IFNAME, checkInterfaceName(name))];
  socket.request(`rename link ${index}`, RTM_NEWLINK, 0, parts);
}

/** All links of the namespace. */
export function listLinks(socket: NetlinkSocket): Link[] {
  return socket
    .dump('list links', RTM_GETLINK, [linkHeader(0)])
    .filter((part) => part.type === RTM_NEWLINK)
    .map(readLink);
}

/**
 * One link by its name.
 * @throws PlatformError `ENODEV`
 */
export function findLink(socket: NetlinkSocket, name: string): Link {
  const parts = [linkHeader(0), text(IFLA_IFNAME, checkInterfaceName(name))];
  const found = socket
    .request(`find link ${name}`, RTM_GETLINK, 0, parts)
    .find((part) => part.type === RTM_NEWLINK);
  if (found === undefined) {
    throw new PlatformError('ENODEV', `no link ${name}`, { call: 'find link', errno: 19 });
  }
  return readLink(found);
}

function readLink(part: NetlinkMessage): Link {
  const view = viewOf(part.body);
  const flags = view.getUint32(8, true);
  const attributes = parseAttributes(part.body.subarray(16));
  const master = attributes.get(IFLA_MASTER);
  const inside = (bytes: Uint8Array | undefined, type: number): Uint8Array | undefined =>
    bytes === undefined ? undefined : parseAttributes(bytes).get(type);
  // struct rtnl_link_stats64: packets in and out, octets in and out, 8 octets each.
  const stats = attributes.get(IFLA_STATS64);
  const octets = (at: number): number | null =>
    stats === undefined || stats.length < at + 8 ? null : Number(viewOf(stats).getBigUint64(at, true));
  // The first of the settings of IPv6 is `forwarding`.
  const settings6 = inside(inside(attributes.get(IFLA_AF_SPEC), AF_INET6), IFLA_INET6_CONF);
  const port = inside(attributes.get(IFLA_LINKINFO), IFLA_INFO_SLAVE_DATA);
  return {
    index: view.getInt32(4, true),
    name: readText(attributes.get(IFLA_IFNAME) ?? new Uint8Array()),
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    hardwareAddress: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(),
    isOperational: attributes.get(IFLA_OPERSTATE)?.[0] === OPERSTATE_UP,
    isForwarding: inside(port, IFLA_BRPORT_STATE)?.[0] === PORT_FORWARDING,
    masterIndex: master === undefined ? 0 : viewOf(master).getUint32(0, true),
    isRouter: settings6 !== undefined && settings6.length >= 4 && viewOf(settings6).getInt32(0, true) > 0,
    alias: readText(attributes.get(IFLA_IFALIAS) ?? new Uint8Array()),
    receivedBytes: octets(16),
    sentBytes: octets(24),
  };
}
