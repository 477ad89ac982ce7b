// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { StateKind } from '@vnfpool/client/stateful';
import { expect, onTestFinished, test } from 'vitest';
import { TcpService } from '../../src/relay/tcp-service.ts';
import { TcpState } from '../../src/relay/tcp-state.ts';
import { HOST, relayConfig, startRelay, WAIT } from './support.ts';

/* A relay of TCP, with real connections. */

async function server(onConnection: (socket: Socket) => void, port = 0) {
  const made = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    open.add(socket);
    onConnection(socket);
  });
  const open = new Set<Socket>();
  await new Promise<void>((resolve) => made.listen(port, HOST, resolve));
  onTestFinished(() => {
    made.close();
    for (const socket of open) socket.destroy();
  });
  return { place: { address: HOST, port: (made.address() as AddressInfo).port }, open };
}

async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: HOST, allowHalfOpen: true });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What comes until the other end has said all; unlike a reader of Node's it leaves our own end as it is. */
function buffer(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  return new Promise((resolve, reject) => {
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
  });
}

/** Why a connection did not last. */
function reset(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: HOST });
  onTestFinished(() => void socket.destroy());
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

const tcp = { protocol: 'tcp' } as const;
const echo = (socket: Socket): void => void socket.pipe(socket);

/** A port of loopback where nobody listens. */
async function nobody() {
  const made = createServer();
  await new Promise<void>((resolve) => made.listen(0, HOST, resolve));
  const { port } = made.address() as AddressInfo;
  await new Promise((resolve) => made.close(resolve));
  return { address: HOST, port };
}

test('what is said comes back, and connections are shared among servers', async () => {
  const servers = [await server(echo), await server(echo)];
  const { port, status } = await startRelay({ ...tcp, backends: servers.map(({ place }) => place) });
  const clients = [];
  for (let at = 0; at < 6; at += 1) clients.push(await client(port));
  const answers = clients.map((each) => buffer(each));
  for (const [at, each] of clients.entries()) each.end(`hello ${at}`);
  expect((await Promise.all(answers)).map(String)).toEqual(clients.map((_, at) => `hello ${at}`));
  expect(servers.map(({ open }) => open.size)).toEqual([3, 3]);
  await expect.poll(() => status().sessions.served, WAIT).toBe(0);
  expect(status().counters).toMatchObject({ began: 6, ended: 6, upBytes: 42, downBytes: 42 });
});

test.each(['client', 'server'])(
  'half of a connection ends at the %s, the other half goes on',
  async (which) => {
    let atServer: Socket | undefined;
    const { place } = await server((socket) => {
      atServer = socket;
    });
    const { port } = await startRelay({ ...tcp, backends: [place] });
    const atClient = await client(port);
    await expect.poll(() => atServer, WAIT).toBeDefined();
    const ends = [atClient, atServer as unknown as Socket];
    const [one, other] = which === 'client' ? ends : ends.toReversed();
    if (!one || !other) throw new Error('no ends');
    const heard = buffer(other);
    one.end('that was all');
    expect(String(await heard)).toBe('that was all');
    const answer = buffer(one);
    other.write('not for me: ');
    other.end('more');
    expect(String(await answer)).toBe('not for me: more');
  },
);

test('who does not read holds up who writes, and not the relay: what is under way has a bound', async () => {
  let atServer: Socket | undefined;
  const { place } = await server((socket) => {
    socket.pause();
    atServer = socket;
  });
  const { port } = await startRelay({ ...tcp, backends: [place] });
  const atClient = await client(port);
  const chunk = Buffer.alloc(1_048_576, 'x');
  let written = 0;
  const before = process.memoryUsage().external;
  // As much as is taken; when nothing more is, for a while, the way is full.
  for (let at = 0; at < 256; at += 1) {
    written += chunk.length;
    if (atClient.write(chunk)) continue;
    const drained = await Promise.race([
      once(atClient, 'drain').then(() => true),
      new Promise<false>((resolve) => {
        setTimeout(() => resolve(false), 1_000);
      }),
    ]);
    if (!drained) break;
  }
  expect(written).toBeLessThan(128 * chunk.length);
  expect(process.memoryUsage().external - before).toBeLessThan(64 * 1_048_576);
  const heard = buffer(atServer as unknown as Socket);
  atClient.end();
  expect((await heard).length).toBe(written);
}, 60_000);

test('a server that does not take it is left out for this connection; without any it is reset, and counted', async () => {
  const [gone, alive] = [await nobody(), await server(echo)];
  const { port, status } = await startRelay({ ...tcp, backends: [gone, alive.place] });
  for (let at = 0; at < 3; at += 1) {
    const socket = await client(port);
    const heard = buffer(socket);
    socket.end('hello');
    expect(String(await heard)).toBe('hello');
  }
  expect(status().counters['backendErrors']).toBeGreaterThan(0);
  const none = await startRelay({ ...tcp, backends: [gone] });
  expect(await reset(none.port)).toBe('ECONNRESET');
  expect(none.status().counters).toMatchObject({ unreachable: 1, began: 1, ended: 1 });
  expect(none.status().backends).toEqual({});
});

test('at the bound a new connection is reset and counted', async () => {
  const { place } = await server(echo);
  const { port, status } = await startRelay({ ...tcp, backends: [place], sessionsMax: 1 });
  const first = await client(port);
  await expect.poll(() => status().sessions.served, WAIT).toBe(1);
  expect(await reset(port)).toBe('ECONNRESET');
  expect(status().counters['refused']).toBe(1);
  first.end();
  await expect.poll(() => status().sessions.served, WAIT).toBe(0);
  const next = await client(port);
  const heard = buffer(next);
  next.end('room');
  expect(String(await heard)).toBe('room');
});

test('an idle connection is cut, one that breaks at one end is broken at the other', async () => {
  const { place, open } = await server(echo);
  const { port, status } = await startRelay({ ...tcp, backends: [place], idleMs: 200 });
  expect(await reset(port)).toBe('ECONNRESET');
  const second = await client(port);
  await expect.poll(() => open.size, WAIT).toBe(2);
  const [, atServer] = open;
  atServer?.resetAndDestroy();
  await expect(buffer(second)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(status().sessions.served).toBe(0);
});

test('with connections open its state is not given, unless they may be cut; while it stands still, new ones wait', async () => {
  const { place } = await server(echo);
  const service = new TcpService(relayConfig({ ...tcp, backends: [place], heldMax: 1 }));
  onTestFinished(() => service.close());
  service.listen();
  await expect.poll(() => service.trouble, WAIT).toBeNull();
  const port = Number(service.status(null).listen?.split(':').at(-1));
  const strict = new TcpState(service, false);
  const all = (state: TcpState): string => Buffer.concat([...state.export()]).toString();
  expect(all(strict)).toBe('["clear"]\n');
  const first = await client(port);
  await expect.poll(() => service.open, WAIT).toBe(1);
  expect(() => all(strict)).toThrow(/1 TCP connections end here/);
  expect(all(new TcpState(service, true))).toBe('["clear"]\n');
  service.quiesce();
  const waiting = await client(port);
  waiting.write('later');
  // One waits, one is too many.
  expect(await reset(port)).toBe('ECONNRESET');
  expect(service.status(null).counters).toMatchObject({ began: 1, heldDropped: 1 });
  service.resume();
  expect(String((await once(waiting, 'data'))[0])).toBe('later');
  first.destroy();
  const octets = async function* (kind: StateKind): AsyncGenerator<Uint8Array> {
    yield Buffer.from(kind);
  };
  await strict.import('snapshot', octets('snapshot'));
});
