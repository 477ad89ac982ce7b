// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, type PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP } from '../libc/constants.ts';
import { familyOf, ipBytes } from './ip.ts';
import { attribute, viewOf } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_BC_S_COND = 7;
const ESTABLISHED = 1;
const TCP_LISTEN = 10;
/** struct inet_diag_sockid: ports 2+2, source 16, destination 16, interface 4, cookie 8. */
const SOCKET_ID_BYTES = 48;

/** What is ended: every TCP socket but listeners, and UDP sockets that are connected; others go on. */
const KINDS = [
  { protocol: IPPROTO_TCP, states: 0xfff & ~(1 << TCP_LISTEN) },
  { protocol: IPPROTO_UDP, states: 1 << ESTABLISHED },
];

interface Kind {
  readonly family: number;
  readonly protocol: number;
  readonly states: number;
}

/** struct inet_diag_req_v2: family, protocol, extensions, pad, states 4, socket id. */
function request({ family, protocol, states }: Kind, socketId?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + SOCKET_ID_BYTES);
  bytes[0] = family;
  bytes[1] = protocol;
  viewOf(bytes).setUint32(4, states, true);
  if (socketId !== undefined) bytes.set(socketId, 8);
  return bytes;
}

/**
 * Lets the kernel list only sockets of a local address: what it does not send us costs little. Sockets of IPv6 that
 * serve IPv4 (`::ffff:10.0.0.1`) fit an IPv4 address.
 */
function localAddressFilter(address: string): Uint8Array {
  const octets = ipBytes(address);
  // struct inet_diag_bc_op: code 1, yes 1, no 2; then inet_diag_hostcond: family 1, prefix length 1, pad 2, port 4, address.
  const length = 12 + octets.length;
  const code = new Uint8Array(length);
  const view = viewOf(code);
  code[0] = INET_DIAG_BC_S_COND;
  code[1] = length;
  // Beyond the end: it does not fit.
  view.setUint16(2, length + 4, true);
  code[4] = familyOf(address);
  code[5] = octets.length * 8;
  view.setInt32(8, -1, true);
  code.set(octets, 12);
  return attribute(INET_DIAG_REQ_BYTECODE, code);
}

/**
 * Tries what ending takes on no socket at all: it asks for none, and for the end of one that cannot be.
 * @returns protocols whose connections this kernel cannot end, and what it said. Modules that it can load are loaded.
 */
export function undestroyable(socket: NetlinkSocket): Map<number, PlatformError> {
  const missing = new Map<number, PlatformError>();
  for (const { protocol } of KINDS) {
    const none = { family: AF_INET, protocol, states: 0 };
    try {
      // No socket found reads as no listing, so the listing comes first.
      for (const _ of socket.dump('list sockets', SOCK_DIAG_BY_FAMILY, [request(none)]));
      destroySocket(socket, none, new Uint8Array(SOCKET_ID_BYTES));
    } catch (error) {
      if (!isPlatformError(error, 'EOPNOTSUPP', 'ENOENT', 'EINVAL')) throw error;
      missing.set(protocol, error);
    }
  }
  return missing;
}

/**
 * Ends every TCP connection and every connected UDP socket whose local address is `address`, of IPv4 or IPv6; both ends of a
 * local one see a reset.
 * @param except protocols that are left alone
 * @returns how many were ended
 * @throws PlatformError `ENOENT` where the kernel has no listing of the protocol's sockets
 */
export function destroyConnections(
  socket: NetlinkSocket,
  address: string,
  except: ReadonlySet<number> = new Set(),
): number {
  const filter = localAddressFilter(address);
  const families = familyOf(address) === AF_INET ? [AF_INET, AF_INET6] : [AF_INET6];
  return families
    .flatMap((family) => KINDS.map((kind) => ({ family, ...kind })))
    .filter(({ protocol }) => !except.has(protocol))
    .reduce((ended, kind) => ended + destroyKind(socket, kind, filter), 0);
}

function destroyKind(socket: NetlinkSocket, kind: Kind, filter: Uint8Array): number {
  let ended = 0;
  for (const part of socket.dump('list sockets', SOCK_DIAG_BY_FAMILY, [request(kind), filter])) {
    // struct inet_diag_msg: family, state, timer, retransmits, socket id, ...
    const socketId = part.body.subarray(4, 4 + SOCKET_ID_BYTES);
    if (part.type !== SOCK_DIAG_BY_FAMILY || socketId.length < SOCKET_ID_BYTES) continue;
    try {
      if (destroySocket(socket, kind, socketId)) ended++;
    } catch (error) {
      // Of this one only: kernels have refused to end what waits in TIME_WAIT.
      if (!isPlatformError(error, 'EOPNOTSUPP', 'EINVAL')) throw error;
    }
  }
  return ended;
}

/** @returns whether it was there: it may have ended by itself since it was listed */
function destroySocket(socket: NetlinkSocket, kind: Kind, socketId: Uint8Array): boolean {
  try {
    socket.request('destroy socket', SOCK_DESTROY, 0, [request(kind, socketId)]);
    return true;
  } catch (error) {
    if (!isPlatformError(error, 'ENOENT')) throw error;
    return false;
  }
}
