// SPDX-License-Identifier: Apache-2.0
import { viewOf } from '../netlink/message.ts';

const ETHERTYPE_IPV6 = 0x86dd;
const NEXT_HEADER_ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const FLAG_ROUTER = 0x80;
const FLAG_OVERRIDE = 0x20;
const OPTION_TARGET_HARDWARE_ADDRESS = 2;
const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const ICMP_BYTES = 32;
/** Others drop what came from farther. */
const HOP_LIMIT = 255;
const ALL_NODES: readonly number[] = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

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
  const frame = new Uint8Array(ETHERNET_BYTES + IPV6_BYTES + ICMP_BYTES);
  const view = viewOf(frame);
  frame.set([0x33, 0x33, 0, 0, 0, 1]);
  frame.set(hardwareAddress, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  view.setUint8(14, 0x60);
  view.setUint16(18, ICMP_BYTES);
  view.setUint8(20, NEXT_HEADER_ICMPV6);
  view.setUint8(21, HOP_LIMIT);
  frame.set(address, 22);
  frame.set(ALL_NODES, 38);
  const icmp = ETHERNET_BYTES + IPV6_BYTES;
  view.setUint8(icmp, NEIGHBOUR_ADVERTISEMENT);
  view.setUint8(icmp + 4, (isRouter ? FLAG_ROUTER : 0) | FLAG_OVERRIDE);
  frame.set(address, icmp + 8);
  view.setUint8(icmp + 24, OPTION_TARGET_HARDWARE_ADDRESS);
  view.setUint8(icmp + 25, 1);
  frame.set(hardwareAddress, icmp + 26);
  view.setUint16(icmp + 2, checksum(view));
  return frame;
}

/** Of addresses, length, next header and message. @see RFC 8200 §8.1 */
function checksum(view: DataView): number {
  let sum = ICMP_BYTES + NEXT_HEADER_ICMPV6;
  for (let at = 22; at < view.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
