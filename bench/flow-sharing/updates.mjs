// SPDX-License-Identifier: Apache-2.0
import { NETLINK_NETFILTER, NetlinkSocket } from '@vnfpool/platform/netlink';

/** Of linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_tcp.h. */
const CT_NEW = 0x0100;
const [REQUEST, ACK] = [0x01, 0x04];
const NESTED = 0x8000;
const AF_INET = 2;
export const TCP_FIN_WAIT = 4;
const FIN_WAIT_SECONDS = 120;
const MESSAGE_BYTES = 96;
const MESSAGES_A_DATAGRAM = 100;

/**
 * Has one end of established TCP connections close them, as far as the kernel's table goes: it tells an update of each. What puts copies into a
 * kernel makes and removes entries, and changes none.
 */
export class Closer {
  #socket = new NetlinkSocket(NETLINK_NETFILTER);
  #octets = Buffer.alloc(MESSAGES_A_DATAGRAM * MESSAGE_BYTES);

  close(flows) {
    for (let at = 0; at < flows.length; at += MESSAGES_A_DATAGRAM) {
      const part = flows.slice(at, at + MESSAGES_A_DATAGRAM);
      const [refusal] = this.#socket.sendMany('change conntrack', part.length, (first) => {
        for (const [place, flow] of part.entries())
          this.#write(place, flow.original, first + place, place === part.length - 1);
        return this.#octets.subarray(0, part.length * MESSAGE_BYTES);
      });
      if (refusal) throw new Error(`connection ${at + refusal.index} is not changed: errno ${refusal.errno}`);
    }
  }

  #write(place, { source, destination, protocol, layer4 }, sequence, isLast) {
    const octets = this.#octets;
    let at = place * MESSAGE_BYTES;
    octets.writeUInt32LE(MESSAGE_BYTES, at);
    octets.writeUInt16LE(CT_NEW, at + 4);
    octets.writeUInt16LE(REQUEST | (isLast ? ACK : 0), at + 6);
    octets.writeUInt32LE(sequence, at + 8);
    octets.writeUInt32LE(0, at + 12);
    octets.writeUInt32LE(AF_INET, at + 16);
    at += 20;
    /** Values stand at multiples of four octets; `inner` octets of attributes follow where there is no value. */
    const attribute = (type, value, inner = 0) => {
      octets.writeUInt16LE(4 + value.length + inner, at);
      octets.writeUInt16LE(type | (inner > 0 ? NESTED : 0), at + 2);
      octets.set(value, at + 4);
      at += 4 + Math.ceil(value.length / 4) * 4;
    };
    const u16 = (value) => [value >> 8, value & 0xff];
    attribute(1, [], 48); // TUPLE_ORIG
    attribute(1, [], 16); // its addresses
    attribute(1, source);
    attribute(2, destination);
    attribute(2, [], 24); // its protocol and ports
    attribute(1, [protocol]);
    attribute(2, u16(layer4.source));
    attribute(3, u16(layer4.destination));
    attribute(4, [], 12); // PROTOINFO
    attribute(1, [], 8); // of TCP
    attribute(1, [TCP_FIN_WAIT]);
    attribute(7, [0, 0, 0, FIN_WAIT_SECONDS]); // TIMEOUT
  }
}
