// SPDX-License-Identifier: Apache-2.0
export type { LinkAddress } from './address.ts';
export { addAddress, deleteAddress, listAddresses } from './address.ts';
export type { IpPrefix } from './ip.ts';
export { ipBytes, ipText, parseIpPrefix } from './ip.ts';
export type { Ipv4Prefix } from './ipv4.ts';
export { ipv4Bytes, ipv4Text, parseIpv4Prefix } from './ipv4.ts';
export type { Link, VethEnd } from './link.ts';
export {
  checkInterfaceName,
  createBridge,
  createVeth,
  deleteLink,
  findLink,
  listLinks,
  moveLink,
  renameLink,
  setLinkAlias,
  setLinkMaster,
  setLinkUp,
} from './link.ts';
export type { Ipv4Settings } from './link-settings.ts';
export { generateNoAddresses, setIpv4Settings } from './link-settings.ts';
export type { Macvlan } from './macvlan.ts';
export { createMacvlan } from './macvlan.ts';
export type { NetlinkMessage } from './message.ts';
export type { Neighbour } from './neighbour.ts';
export { listNeighbours } from './neighbour.ts';
export type { SetChange, SetElement, SetPlace } from './nftables.ts';
export { changeSets, listSet, NFPROTO_INET, NFPROTO_NETDEV, readGeneration } from './nftables.ts';
export type { TableRoute } from './route.ts';
export { addRoute, gatewayOn, setDefaultRoute, setTableRoute } from './route.ts';
export type { SourceRule } from './rule.ts';
export { addSourceRule, deleteSourceRule } from './rule.ts';
export { destroyConnections, undestroyable } from './sock-diag.ts';
export type { Refusal, TransactionFailure } from './socket.ts';
export { NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG, NetlinkSocket } from './socket.ts';
