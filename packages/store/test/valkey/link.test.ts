// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ValkeyLink } from '../../src/valkey/link.ts';

/* A store that takes connections, and says nothing: as one that stands still, or whose answers do not come through. */

let server: Server;
let links: ValkeyLink[];
let taken: number;
const open = new Set<Socket>();

// What is loaded with the first call takes longer than a try here.
beforeAll(() => import('@redis/client'));
beforeEach(async () => {
  taken = 0;
  links = [];
  server = createServer((socket) => {
    taken += 1;
    open.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => open.delete(socket))
      .resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  for (const link of links) await link.close();
  for (const socket of open) socket.destroy();
  server.close();
});

function linkWith(answerMs: number): ValkeyLink {
  const { port } = server.address() as AddressInfo;
  const faultOf = (code: string, message: string): Error => new Error(`${code}: ${message}`);
  const link = new ValkeyLink(new URL(`redis://127.0.0.1:${port}`), { answerMs, faultOf });
  links.push(link);
  return link;
}

test('each try has a connection of its own, and leaves none', async () => {
  const link = linkWith(20);
  for (let tries = 1; tries <= 3; tries++) {
    await expect(link.call('PING')).rejects.toThrow(
      /^unavailable: 127\.0\.0\.1:\d+: did not answer in 20 ms$/,
    );
    await vi.waitFor(() => expect(taken).toBe(tries));
  }
  await vi.waitFor(() => expect(open.size).toBe(0));
});

test('it is closed amid a try, and does not wait for it', async () => {
  const link = linkWith(60_000);
  const calling = expect(link.call('PING')).rejects.toThrow('the store was closed');
  await vi.waitFor(() => expect(open.size).toBe(1));
  await link.close();
  await calling;
  await vi.waitFor(() => expect(open.size).toBe(0));
});
