// SPDX-License-Identifier: Apache-2.0
import { viewOf } from '../netlink/message.ts';
import { ETHERTYPE_IPV6 } from './packet-socket.ts';

const NEXT_HEADER_ICMPV6 = 58;
export const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const FLAG_ROUTER = 0x80;
const FLAG_OVERRIDE = 0x20;
const OPTION_TARGET_HARDWARE_ADDRESS = 2;
const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const ICMP_BYTES = 24;
/** Others drop what came from farther. */
const HOP_LIMIT = 255;
const ALL_NODES = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/**
 * An unsolicited neighbour advertisement to all nodes of a link: those that know the address update the hardware address.
 * @param address 16 octets
 * @see RFC 4861 §7.2.6
 */
export function advertisementFrame(
  address: Uint8Array,
  hardwareAddress: Uint8Array,
  isRouter: boolean,
): Uint8Array {
  return discoveryFrame({
    type: NEIGHBOUR_ADVERTISEMENT,
    flags: (isRouter ? FLAG_ROUTER : 0) | FLAG_OVERRIDE,
    hardwareAddress,
    source: address,
    destination: ALL_NODES,
    target: address,
    options: Uint8Array.of(OPTION_TARGET_HARDWARE_ADDRESS, 1, ...hardwareAddress),
  });
}

/** A message of neighbour discovery, all addresses as octets. */
export interface Discovery {
  readonly type: number;
  readonly flags: number;
  readonly hardwareAddress: Uint8Array;
  readonly source: Uint8Array;
  /** Multicast. */
  readonly destination: Uint8Array;
  readonly target: Uint8Array;
  readonly options: Uint8Array;
}

/** The frame of a message to a multicast group. @see RFC 4861 §4.3, §4.4; RFC 2464 §7 */
export function discoveryFrame(message: Discovery): Uint8Array {
  const { hardwareAddress, source, destination, options } = message;
  const length = ICMP_BYTES + options.length;
  const frame = new Uint8Array(ETHERNET_BYTES + IPV6_BYTES + length);
  const view = viewOf(frame);
  frame.set([0x33, 0x33, ...destination.subarray(12)]);
  frame.set(hardwareAddress, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  view.setUint8(14, 0x60);
  view.setUint16(18, length);
  view.setUint8(20, NEXT_HEADER_ICMPV6);
  view.setUint8(21, HOP_LIMIT);
  frame.set(source, 22);
  frame.set(destination, 38);
  const icmp = ETHERNET_BYTES + IPV6_BYTES;
  view.setUint8(icmp, message.type);
  view.setUint8(icmp + 4, message.flags);
  frame.set(message.target, icmp + 8);
  frame.set(options, icmp + ICMP_BYTES);
  view.setUint16(icmp + 2, checksum(view, length));
  return frame;
}

/** Of addresses, length, next header and message. @see RFC 8200 §8.1 */
function checksum(view: DataView, length: number): number {
  let sum = length + NEXT_HEADER_ICMPV6;
  for (let at = 22; at < view.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
