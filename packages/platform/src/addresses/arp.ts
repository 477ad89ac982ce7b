// SPDX-License-Identifier: Apache-2.0
import { ipv4Bytes } from '../netlink/ipv4.ts';
import { viewOf } from '../netlink/message.ts';
import { ETHERTYPE_ARP } from './packet-socket.ts';

const ETHERTYPE_IPV4 = 0x0800;
const HARDWARE_ETHERNET = 1;
const OPERATION_REQUEST = 1;
/** A frame shorter than this is padded on the wire; we send it whole. */
const FRAME_BYTES_MIN = 60;

/**
 * A gratuitous ARP in request form: sender and target are the address, sent to everybody.
 * Neighbours that know the address update the hardware address; nobody answers.
 * @see RFC 5227 §3
 */
export function announcementFrame(address: string, hardwareAddress: Uint8Array): Uint8Array {
  const octets = ipv4Bytes(address);
  return arpFrame(hardwareAddress, octets, octets);
}

/** An ARP request to everybody. */
export function arpFrame(hardwareAddress: Uint8Array, sender: Uint8Array, target: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES_MIN);
  const view = viewOf(frame);
  frame.fill(0xff, 0, 6);
  frame.set(hardwareAddress, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  view.setUint16(14, HARDWARE_ETHERNET);
  view.setUint16(16, ETHERTYPE_IPV4);
  view.setUint8(18, 6);
  view.setUint8(19, 4);
  view.setUint16(20, OPERATION_REQUEST);
  frame.set(hardwareAddress, 22);
  frame.set(sender, 28);
  frame.set(target, 38);
  return frame;
}
