// SPDX-License-Identifier: Apache-2.0
import { ipText } from './ip.ts';
import { parseAttributes, viewOf } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
const NDA_DST = 1;
const NDA_LLADDR = 2;

/** A line of the kernel's ARP or neighbour discovery table. */
export interface Neighbour {
  readonly linkIndex: number;
  readonly address: string;
  /** 6 octets on Ethernet; empty while it is being asked for. */
  readonly hardwareAddress: Uint8Array;
}

/** All neighbours that the namespace knows, of IPv4 and IPv6. */
export function listNeighbours(socket: NetlinkSocket): Neighbour[] {
  // struct ndmsg: family 1, pad 3, index 4, state 2, flags 1, type 1.
  return socket.dump('list neighbours', RTM_GETNEIGH, [new Uint8Array(12)]).flatMap((part) => {
    const attributes = parseAttributes(part.body.subarray(12));
    const address = attributes.get(NDA_DST);
    if (part.type !== RTM_NEWNEIGH || (address?.length !== 4 && address?.length !== 16)) return [];
    return [
      {
        linkIndex: viewOf(part.body).getInt32(4, true),
        address: ipText(address),
        hardwareAddress: attributes.get(NDA_LLADDR) ?? new Uint8Array(),
      },
    ];
  });
}
