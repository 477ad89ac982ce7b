// SPDX-License-Identifier: Apache-2.0
import { isIPv4 } from 'node:net';
import { isPlatformError } from '../errors.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';
import { packAddresses } from '../sctp/socket-address.ts';

const TCP_IS_MPTCP = 43;

/**
 * A Multipath TCP socket for a peer at `address`, not connected. Node takes it: `new net.Socket({ fd })`. Null where this
 * host has no MPTCP, or has it switched off (`net.mptcp.enabled`).
 * @see RFC 8684
 */
export function openMptcp(address: string): number | null {
  const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  try {
    return libc().socket(isIPv4(address) ? AF_INET : AF_INET6, type, IPPROTO_MPTCP);
  } catch (error) {
    if (isPlatformError(error, 'ENOPROTOOPT', 'EPROTONOSUPPORT', 'EINVAL', 'UNSUPPORTED')) return null;
    throw error;
  }
}

/** As `openMptcp`, and bound, for a server's `listen({ fd })`. @throws PlatformError `EADDRINUSE`, `EADDRNOTAVAIL` */
export function bindMptcp(address: string, port: number): number | null {
  const fd = openMptcp(address);
  if (fd === null) return null;
  try {
    // As Node does for its own: connections of a former server do not hold the port.
    libc().setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
    libc().bind(fd, packAddresses([address], port));
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** Whether a connection is Multipath TCP at both ends, or fell back to TCP. */
export function isMptcp(fd: number): boolean {
  const value = Int32Array.of(0);
  const signature = 'int getsockopt(int, int, int, void *, void *)';
  const result = native().attempt(signature, fd, IPPROTO_TCP, TCP_IS_MPTCP, value, Uint32Array.of(4));
  return result === 0 && value[0] !== 0;
}
