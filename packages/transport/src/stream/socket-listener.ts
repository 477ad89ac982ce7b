// SPDX-License-Identifier: Apache-2.0
import type { Server, Socket } from 'node:net';
import type { Connection, ConnectionEnd, Listener, TransportCounters } from './stream-transport.ts';
import { defaultConnectionsMax, type ListenOptions } from './stream-transport.ts';
import { transportError } from './transport-error.ts';

/**
 * Binds a Node server and gives it our face. `connections` holds what it accepted and has not lost.
 * @param fd a bound socket to listen on; default: the server makes one
 */
export async function listenOn(
  server: Server,
  options: ListenOptions,
  connections: Set<Connection>,
  counters: TransportCounters,
  closeTimeoutMs: number,
  fd: number | null = null,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.maxConnections = options.connectionsMax ?? defaultConnectionsMax;
  server.on('drop', () => {
    counters.droppedAtCap += 1;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(transportError(`listening on ${options.host}:${options.port}`, error)),
    );
    server.listen(fd === null ? { host: options.host, port: options.port } : { fd }, () => resolve());
  });
  // A failed accept (out of descriptors) loses one connection, not the listener.
  server.on('error', () => {
    counters.handshakeFailed += 1;
  });
  return {
    address: addressOf(server),
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const connection of connections) connection.close('the listener was closed');
      // Also ends handshakes that were under way.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, closeTimeoutMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function addressOf(server: Server): ConnectionEnd {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server is not bound to a port');
  return { address: address.address, addresses: [address.address], port: address.port };
}

/** Keeps `connection` in the set while it lives. */
export function track(connections: Set<Connection>, connection: Connection): void {
  connections.add(connection);
  connection.onClose(() => connections.delete(connection));
}
