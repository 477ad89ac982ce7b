// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { AF_INET, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { ipv4Bytes } from '../netlink/ipv4.ts';

/**
 * A bound UDP socket over IPv4 whose sends are done when the call returns. Node's own `send` waits for the end of the
 * running callback, and so for every write to the disk that follows in it.
 */
export interface UdpSocket {
  /** For `bind({ fd })` of a `dgram` socket, which receives, and closes it in the end. */
  readonly fd: number;
  /**
   * Sends at once or not at all.
   * @throws PlatformError with the errno's name: `EAGAIN` for a full queue, `ENETUNREACH`, `EPERM` for a filter
   */
  send(bytes: Uint8Array, address: string, port: number): void;
}

/**
 * Opens a socket in the namespace of the calling thread.
 * @param port 0: any
 * @throws PlatformError `EADDRINUSE`, `EADDRNOTAVAIL`; `UNSUPPORTED` on other systems than 64-bit Linux
 */
export function openUdp(address: string, port: number): UdpSocket {
  const system = libc();
  const fd = system.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    system.bind(fd, socketAddress(address, port));
  } catch (error) {
    system.close(fd);
    throw error;
  }
  return {
    fd,
    send: (bytes, to, toPort) => {
      system.sendTo(fd, bytes, MSG_DONTWAIT, socketAddress(to, toPort));
    },
  };
}

/** struct sockaddr_in: the family in the host's order, port and address in the network's. */
function socketAddress(address: string, port: number): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new PlatformError('BAD_ARGUMENT', `not a port: ${port}`, { call: 'udp' });
  }
  const bytes = new Uint8Array(16);
  bytes[0] = AF_INET;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(ipv4Bytes(address), 4);
  return bytes;
}
