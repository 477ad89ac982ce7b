// SPDX-License-Identifier: Apache-2.0
import { AF_INET, AF_INET6, AF_UNSPEC } from '../libc/constants.ts';
import { familyOf, type IpPrefix, ipBytes, ipText } from './ip.ts';
import { attribute, NLM_F_CREATE, NLM_F_EXCL, parseAttributes, u32, viewOf } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_F_SECONDARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_DEPRECATED = 0x20;
const FOREVER = 0xffffffff;

/** An address of a link. */
export interface LinkAddress extends IpPrefix {
  readonly linkIndex: number;
  /** Not chosen as source by whoever binds to none. */
  readonly isDeprecated: boolean;
  /** Another address of its subnet came before it. */
  readonly isSecondary: boolean;
}

/** struct ifaddrmsg: family 1, prefix length 1, flags 1, scope 1, index 4. */
function addressHeader(index: number, prefix: number, family = AF_INET): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = family;
  header[1] = prefix;
  viewOf(header).setUint32(4, index, true);
  return header;
}

/** The request that adds an address, which can be used at once; `isDeprecated` gives it a preferred lifetime of 0. */
export function addAddressRequest(index: number, address: IpPrefix, isDeprecated: boolean): Uint8Array[] {
  const bytes = ipBytes(address.address);
  const family = familyOf(address.address);
  const parts = [
    addressHeader(index, address.prefix, family),
    attribute(IFA_LOCAL, bytes),
    attribute(IFA_ADDRESS, bytes),
    u32(IFA_FLAGS, IFA_F_NODAD),
  ];
  if (family === AF_INET && address.prefix < 31) {
    const broadcast = Uint8Array.from(bytes);
    const view = viewOf(broadcast);
    view.setUint32(0, (view.getUint32(0) | (FOREVER >>> address.prefix)) >>> 0);
    parts.push(attribute(IFA_BROADCAST, broadcast));
  }
  if (isDeprecated) {
    // struct ifa_cacheinfo: preferred, valid, created, updated.
    const lifetime = new Uint8Array(16);
    viewOf(lifetime).setUint32(4, FOREVER, true);
    parts.push(attribute(IFA_CACHEINFO, lifetime));
  }
  return parts;
}

/** Message type and flags of {@link addAddressRequest}. */
export const ADD_ADDRESS: { readonly type: number; readonly flags: number } = {
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_EXCL,
};

/** Adds an address; `EEXIST` when it is there. */
export function addAddress(
  socket: NetlinkSocket,
  index: number,
  address: IpPrefix,
  isDeprecated = false,
): void {
  const parts = addAddressRequest(index, address, isDeprecated);
  socket.request(`add address ${address.address}`, ADD_ADDRESS.type, ADD_ADDRESS.flags, parts);
}

/** Removes an address; `EADDRNOTAVAIL` when it is not there. */
export function deleteAddress(socket: NetlinkSocket, index: number, address: IpPrefix): void {
  socket.request(`delete address ${address.address}`, RTM_DELADDR, 0, [
    addressHeader(index, address.prefix, familyOf(address.address)),
    attribute(IFA_LOCAL, ipBytes(address.address)),
  ]);
}

const FAMILIES: Readonly<Record<'any' | 4 | 6, number>> = { any: AF_UNSPEC, 4: AF_INET, 6: AF_INET6 };

/** All addresses of the namespace of a family, IPv4 where nothing is said. */
export function listAddresses(socket: NetlinkSocket, family: 'any' | 4 | 6 = 4): LinkAddress[] {
  const parts = [addressHeader(0, 0, FAMILIES[family])];
  return socket.dump('list addresses', RTM_GETADDR, parts).flatMap((part) => {
    const attributes = parseAttributes(part.body.subarray(8));
    // Of IPv6 IFA_ADDRESS is the address, unless the other end of a point-to-point link has one.
    const local = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (part.type !== RTM_NEWADDR || local === undefined) return [];
    const flags = attributes.get(IFA_FLAGS);
    const bits = flags === undefined ? (part.body[2] ?? 0) : viewOf(flags).getUint32(0, true);
    return [
      {
        linkIndex: viewOf(part.body).getUint32(4, true),
        address: ipText(local),
        prefix: part.body[1] ?? 0,
        isDeprecated: (bits & IFA_F_DEPRECATED) !== 0,
        isSecondary: (bits & IFA_F_SECONDARY) !== 0,
      },
    ];
  });
}
