// SPDX-License-Identifier: Apache-2.0
import { CREATE_LINK, checkInterfaceName, IFLA_ADDRESS, IFLA_IFNAME, linkHeader, linkKind } from './link.ts';
import { attribute, text, u32 } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const IFLA_LINK = 5;
const IFLA_MACVLAN_MODE = 1;
/** Several of them above one link reach each other. */
const MACVLAN_MODE_BRIDGE = 4;

/** What a macvlan is made from. */
export interface Macvlan {
  readonly name: string;
  /** Index of the link beneath. */
  readonly lowerIndex: number;
  /** 6 octets; frames to it come in here and not at the link beneath. */
  readonly hardwareAddress: Uint8Array;
}

/**
 * Makes a link with a hardware address of its own above another one; it is down. `EEXIST` when the name is taken; `EINVAL` above a
 * link without hardware address; `EOPNOTSUPP` where the kernel has no macvlan.
 */
export function createMacvlan(socket: NetlinkSocket, { name, lowerIndex, hardwareAddress }: Macvlan): void {
  socket.request(`create macvlan ${name}`, CREATE_LINK.type, CREATE_LINK.flags, [
    linkHeader(0),
    text(IFLA_IFNAME, checkInterfaceName(name)),
    u32(IFLA_LINK, lowerIndex),
    attribute(IFLA_ADDRESS, hardwareAddress),
    linkKind('macvlan', u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE)),
  ]);
}
