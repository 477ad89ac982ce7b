// SPDX-License-Identifier: Apache-2.0
import { ipBytes } from '../netlink/ip.ts';
import { arpFrame } from './arp.ts';
import { discoveryFrame, NEIGHBOUR_SOLICITATION } from './neighbour-advertisement.ts';

const UNSPECIFIED = new Uint8Array(16);

/**
 * Asks whether somebody has an address, as somebody who wants it: an ARP probe, or a solicitation of duplicate address
 * detection. Nobody learns anything from it.
 * @see RFC 5227 §2.1.1; RFC 4862 §5.4.2
 */
export function probeFrame(address: string, hardwareAddress: Uint8Array): Uint8Array {
  const octets = ipBytes(address);
  if (octets.length === 4) return arpFrame(hardwareAddress, new Uint8Array(4), octets);
  return discoveryFrame({
    type: NEIGHBOUR_SOLICITATION,
    flags: 0,
    hardwareAddress,
    source: UNSPECIFIED,
    destination: solicitedNode(octets),
    target: octets,
    options: new Uint8Array(),
  });
}

/** The multicast address that whoever has `address` listens to. @see RFC 4291 §2.7.1 */
function solicitedNode(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
}
