// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises';
import { isIP, connect as netConnect, Socket } from 'node:net';
import { bindMptcp, isMptcp, openMptcp } from '@vnfpool/platform/tcp';
import { descriptorOf } from '../stream/descriptor.ts';
import type { ConnectOptions, ListenOptions } from '../stream/stream-transport.ts';
import { transportError } from '../stream/transport-error.ts';
import { established } from '../tcp/established.ts';

/**
 * Connects by Multipath TCP where this host has it, else by TCP, and gives what `make` makes of the socket.
 * @throws TransportError
 */
export async function connectMptcp<T>(
  options: ConnectOptions,
  timeoutMs: number,
  make: (socket: Socket) => T,
): Promise<T> {
  const { host, port, localAddress } = options;
  const address = await numeric(`connecting to ${host}:${port}`, host);
  const place = { host: address, port, ...(localAddress === undefined ? {} : { localAddress }) };
  const fd = openMptcp(address);
  if (fd === null) {
    const socket = netConnect(place);
    return established(socket, 'connect', options, timeoutMs, () => make(socket));
  }
  // `manualStart`, which Node does not document, keeps it from reading before it is connected.
  const construct = { fd, manualStart: true, readable: true, writable: true };
  const socket = new Socket(construct as ConstructorParameters<typeof Socket>[0]);
  socket.connect(place);
  return established(socket, 'connect', options, timeoutMs, () => make(socket));
}

/**
 * A descriptor for a server's `listen`; null: let the server make its own, of TCP. Peers without MPTCP are served too.
 * @throws TransportError
 */
export async function bindForMptcp({ host, port }: ListenOptions): Promise<number | null> {
  const where = `listening on ${host}:${port}`;
  const address = await numeric(where, host);
  try {
    return bindMptcp(address, port);
  } catch (error) {
    throw transportError(where, error);
  }
}

/** Whether a connected socket, plain or TLS, really is Multipath TCP. */
export function isMultipath(socket: Socket): boolean {
  const fd = descriptorOf(socket);
  return fd !== null && isMptcp(fd);
}

async function numeric(where: string, host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw transportError(where, error);
  }
}
