// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { AF_INET } from '../libc/constants.ts';
import { ipv4Bytes } from './ipv4.ts';
import { viewOf } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const IPPROTO_TCP = 6;
const TCP_LISTEN = 10;
/** Every state but LISTEN: a function that listens on the address goes on listening. */
const CONNECTION_STATES = 0xfff & ~(1 << TCP_LISTEN);
/** struct inet_diag_sockid: ports 2+2, source 16, destination 16, interface 4, cookie 8. */
const SOCKET_ID_BYTES = 48;

/** struct inet_diag_req_v2: family, protocol, extensions, pad, states 4, socket id. */
function request(states: number, socketId?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + SOCKET_ID_BYTES);
  bytes[0] = AF_INET;
  bytes[1] = IPPROTO_TCP;
  viewOf(bytes).setUint32(4, states, true);
  if (socketId !== undefined) bytes.set(socketId, 8);
  return bytes;
}

/**
 * Ends every TCP connection whose local address is `address`; both ends of a local one see a reset.
 * @returns how many were ended
 * @throws PlatformError `EOPNOTSUPP` where the kernel has no SOCK_DESTROY, `ENOENT` where it has no TCP listing
 */
export function destroyTcpConnections(socket: NetlinkSocket, address: string): number {
  const local = ipv4Bytes(address);
  let ended = 0;
  for (const part of socket.dump('list sockets', SOCK_DIAG_BY_FAMILY, [request(CONNECTION_STATES)])) {
    // struct inet_diag_msg: family, state, timer, retransmits, socket id, ...
    const socketId = part.body.subarray(4, 4 + SOCKET_ID_BYTES);
    if (part.body[0] !== AF_INET || socketId.length < SOCKET_ID_BYTES) continue;
    if (!local.every((byte, place) => socketId[4 + place] === byte)) continue;
    try {
      socket.request('destroy socket', SOCK_DESTROY, 0, [request(CONNECTION_STATES, socketId)]);
      ended++;
    } catch (error) {
      // It ended by itself between the listing and now.
      if (!isPlatformError(error, 'ENOENT')) throw error;
    }
  }
  return ended;
}
