// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Socket } from 'node:net';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { onTestFinished } from 'vitest';

/** Somebody on the path: sees and changes what goes from client to server. */
export interface Relay {
  readonly endpoint: ScopeEndpoint;
  /** What the client sent, a list for each connection. */
  readonly seen: readonly Buffer[][];
  /** Changes what passes from now on; null drops it. */
  change(how: (chunk: Buffer) => Buffer | null): void;
}

export async function relayTo(server: ScopeEndpoint): Promise<Relay> {
  const seen: Buffer[][] = [];
  const sockets = new Set<Socket>();
  let change = (chunk: Buffer): Buffer | null => chunk;
  const listener = createServer((near) => {
    const chunks: Buffer[] = [];
    seen.push(chunks);
    const far = connect(server.port, server.addresses[0] ?? '');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.on('data', (chunk) => {
      chunks.push(chunk);
      const changed = change(chunk);
      if (changed !== null) far.write(changed);
    });
    far.on('data', (chunk) => void near.write(chunk));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
  return {
    endpoint: { kind: server.kind, addresses: ['127.0.0.1'], port: address.port },
    seen,
    change: (how) => {
      change = how;
    },
  };
}

/** Says octets to a server, and settles when it has closed. */
export function sayAgain(server: ScopeEndpoint, chunks: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(server.port, server.addresses[0] ?? '');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    for (const chunk of chunks) socket.write(chunk);
  });
}
