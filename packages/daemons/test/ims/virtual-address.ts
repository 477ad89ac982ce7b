// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/* What a virtual address is in a set: a place that stays while what is behind it moves. */

const HOST = '127.0.0.1';

export interface VirtualAddress {
  readonly port: number;
  /** Where it leads from now on; null: nowhere. */
  lead(port: number | null): void;
}

/** For datagrams: each client gets a socket of its own towards what is behind, so that answers find their way. */
export async function virtualUdp(): Promise<VirtualAddress> {
  let behind: number | null = null;
  const clients = new Map<number, UdpSocket>();
  const front = createSocket('udp4');
  const clientSocket = (port: number): UdpSocket => {
    const socket = createSocket('udp4');
    socket.on('message', (datagram) => front.send(datagram, port, HOST));
    clients.set(port, socket);
    return socket;
  };
  front.on('message', (datagram, { port }) => {
    if (behind !== null) (clients.get(port) ?? clientSocket(port)).send(datagram, behind, HOST);
  });
  await new Promise<void>((resolve) => front.bind(0, HOST, resolve));
  onTestFinished(() => {
    front.close();
    for (const socket of clients.values()) socket.close();
  });
  return { port: front.address().port, lead: (port) => void (behind = port) };
}

/** For connections: those to the place before are cut. */
export async function virtualTcp(): Promise<VirtualAddress> {
  let behind: number | null = null;
  const open = new Set<Socket>();
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  const server = createServer((client) => {
    if (behind === null) {
      client.destroy();
      return;
    }
    const target = connect(behind, HOST);
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  onTestFinished(() => {
    cut();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    lead: (port) => {
      behind = port;
      cut();
    },
  };
}
