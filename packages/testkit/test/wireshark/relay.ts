// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Capture, Side } from './capture.ts';

/** Hears what goes through it: a capture without the right to capture. */
export interface Relay {
  readonly port: number;
  /** Octets of one direction of a connection so far; connections count from 0. */
  heard(connection: number, from: Side): Uint8Array;
  close(): void;
}

/** Listens on loopback and passes every connection on to `port`; each piece goes into the capture as a segment. */
export async function startRelay(port: number, capture: Capture): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pieces = new Map<string, Uint8Array[]>();
  let connections = 0;
  const server = createServer((node) => {
    const stream = connections;
    connections += 1;
    const manager = connect(port, '127.0.0.1');
    for (const [from, to, side] of [
      [node, manager, 'node'],
      [manager, node, 'manager'],
    ] as const) {
      sockets.add(from);
      const heard: Uint8Array[] = [];
      pieces.set(`${stream} ${side}`, heard);
      from.on('data', (piece: Uint8Array) => {
        capture.add(stream, side, piece);
        heard.push(piece);
        to.write(piece);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: (connection, from) => Buffer.concat(pieces.get(`${connection} ${from}`) ?? []),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
