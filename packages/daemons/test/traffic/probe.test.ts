// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { LATE, probeOnce } from '../../src/traffic/probe.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** A server that does this with each connection. */
async function serve(onConnection: (socket: Socket) => void): Promise<{ address: string; port: number }> {
  const server = createServer(onConnection);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  return { address: '127.0.0.1', port: typeof at === 'object' && at ? at.port : 0 };
}

function answering(text: string): (socket: Socket) => void {
  return (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(text));
  };
}

test.each([
  ['a good answer', 'HTTP/1.1 200 OK\r\n\r\nhello', null],
  ['a page that is not there: the server lives', 'HTTP/1.1 404 Not Found\r\n\r\n', null],
  ['a fault of the server', 'HTTP/1.1 503 Unavailable\r\n\r\n', 'status 503'],
  ['a close without a word', '', 'closed without an answer'],
  ['something that is no HTTP', 'hello', 'closed without an answer'],
])('%s', async (_name, text, reason) => {
  expect(await probeOnce(await serve(answering(text)), '/', 5_000)).toBe(reason);
});

test('an answer without end is cut off', async () => {
  const target = await serve((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('x'.repeat(200_000)));
  });
  expect(await probeOnce(target, '/', 5_000)).toBe('the answer is too long');
});

test('silence ends at the deadline', async () => {
  const target = await serve((socket) => void socket.on('error', () => {}));
  expect(await probeOnce(target, '/', 20)).toBe(LATE);
});

test('nobody there', async () => {
  const target = await serve(() => {});
  await new Promise<void>((resolve) => open.pop()?.close(() => resolve()));
  expect(await probeOnce(target, '/', 5_000)).toBe('ECONNREFUSED');
});
