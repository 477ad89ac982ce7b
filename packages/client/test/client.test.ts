// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import {
  CredentialsError,
  join,
  type Policy,
  PoolElement,
  type PoolElementEvent,
  PoolUser,
  type PoolUserClientOptions,
} from '@vnfpool/client';
import { registrarConfig, runRegistrar } from '@vnfpool/daemons/registrar';
import { silentLogger } from '@vnfpool/runtime/logging';
import { testManager } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';

function temporaryFolder(): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function rig() {
  const manager = await testManager();
  onTestFinished(() => manager.close());
  const folder = temporaryFolder();
  const token = await manager.token('registrar');
  const start = async (port: number) => {
    const running = await runRegistrar(
      registrarConfig.parse({
        name: 'r1',
        folder,
        token,
        listen: { host: '127.0.0.1', port },
        associationGraceMs: 0,
      }),
      { logger: silentLogger },
    );
    onTestFinished(() => running.stop());
    return running;
  };
  const registrar = await start(0);
  const registrars = [{ host: '127.0.0.1', port: registrar.address.port }];

  const credentials = (
    await join({ folder: temporaryFolder(), role: 'user', name: 'alice', token: await manager.token('user') })
  ).credentials;
  const user = (tuning: PoolUserClientOptions['tuning'] = {}) => {
    const made = new PoolUser({ registrars, credentials, tuning });
    onTestFinished(() => made.close());
    return made;
  };
  /** A server that says its name, and its element. */
  const element = async (
    name: string,
    options: {
      policy?: Policy;
      onEvent?: (event: PoolElementEvent) => void;
      onAsked?: () => void;
      port?: number;
    } = {},
  ) => {
    const { server, port } = await naming(name);
    const made = new PoolElement({
      registrars,
      credentials: await manager.set.credentials({ role: 'element', name }),
      poolHandle: 'echo',
      transport: { type: 'tcp', address: '127.0.0.1', port },
      tuning: { backoffMinMs: 20, backoffMaxMs: 50, updateSpacingMs: 1 },
      ...options,
    });
    onTestFinished(() => made.close());
    return { element: made, server, port };
  };
  const elementCredentials = (name: string) => manager.set.credentials({ role: 'element', name });
  return { registrar, registrars, start, user, element, credentials, elementCredentials };
}

async function naming(name: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(name);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

async function nameOfNext(user: PoolUser): Promise<string> {
  const socket = await user.connect('echo');
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('elements take turns by the pool policy', async () => {
  const { user, element } = await rig();
  for (const name of ['a', 'b', 'c']) await (await element(name)).element.register();
  const alice = user();
  const served = [];
  for (let each = 0; each < 6; each += 1) served.push(await nameOfNext(alice));
  expect(served.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  expect(served.slice(0, 3)).toEqual(served.slice(3));
});

test('an element whose server nobody reaches is asked, and hears of it', async () => {
  const { user, element } = await rig();
  let asked = 0;
  const first = await element('first', {
    policy: { type: 'priority', priority: 2 },
    onAsked: () => {
      asked += 1;
    },
  });
  await (await element('second', { policy: { type: 'priority', priority: 1 } })).element.register();
  await first.element.register();
  first.server.close();
  expect(await nameOfNext(user())).toBe('second');
  await expect.poll(() => asked).toBeGreaterThan(0);
});

test('a user that meets a dead element goes on to the next and reports it', async () => {
  const { user, element, registrar } = await rig();
  const first = await element('first', { policy: { type: 'priority', priority: 2 } });
  const second = await element('second', { policy: { type: 'priority', priority: 1 } });
  await first.element.register();
  await second.element.register();
  const alice = user();
  expect(await nameOfNext(alice)).toBe('first');
  await new Promise((resolve) => {
    first.server.close(resolve);
  });
  expect(await nameOfNext(alice)).toBe('second');
  // Out of the cache: nothing is tried in vain any more.
  expect((await alice.resolve('echo')).element.id).toBe(second.element.id);
  expect(registrar.address.port).toBeGreaterThan(0);
});

test('an element that is gone is not resolved; the last one leaves the pool unknown', async () => {
  const { user, element } = await rig();
  const { element: only } = await element('only');
  await only.register();
  expect((await user().resolve('echo')).element.id).toBe(only.id);
  await only.deregister();
  expect(only.registered).toBe(false);
  await expect(user().resolve('echo')).rejects.toMatchObject({ name: 'PoolError', code: 'unknown-pool' });
});

test('an update changes who is chosen', async () => {
  const { user, element } = await rig();
  const a = await element('a', { policy: { type: 'priority', priority: 5 } });
  const b = await element('b', { policy: { type: 'priority', priority: 1 } });
  await a.element.register();
  await b.element.register();
  expect(await nameOfNext(user())).toBe('a');
  b.element.update({ type: 'priority', priority: 9 });
  await expect.poll(() => nameOfNext(user())).toBe('b');
});

test('an element finds its way back after the registrar was restarted', async () => {
  const { registrar, start, user, element } = await rig();
  const events: string[] = [];
  const { element: only } = await element('only', { onEvent: ({ event }) => events.push(event) });
  await only.register();
  const { port } = registrar.address;
  await registrar.stop();
  await start(port);
  await expect.poll(() => events).toEqual(['registered', 'detached', 'registered']);
  expect(await nameOfNext(user())).toBe('only');
});

test('withElement gives up when nobody can be reached, and throws what is not about reachability', async () => {
  const { user, element } = await rig();
  const { element: only, server } = await element('only');
  await only.register();
  await expect(user().withElement('echo', () => Promise.reject(new Error('my own')))).rejects.toThrow(
    'my own',
  );
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await expect(user().connect('echo', { triesMax: 2 })).rejects.toMatchObject({
    code: 'unreachable',
    cause: { code: 'ECONNREFUSED' },
  });
});

test('an element that does not answer in time is passed over, and its attempt is called off', async () => {
  const { user, element } = await rig();
  const silent = await element('silent', { policy: { type: 'priority', priority: 2 } });
  const good = await element('good', { policy: { type: 'priority', priority: 1 } });
  await silent.element.register();
  await good.element.register();
  const signals: AbortSignal[] = [];
  const answer = await user().withElement(
    'echo',
    ({ id }, { signal }) => {
      signals.push(signal);
      return id === good.element.id ? Promise.resolve('served') : new Promise<string>(() => {});
    },
    { tryTimeoutMs: 20 },
  );
  expect(answer).toBe('served');
  expect(signals[0]?.aborted).toBe(true);
});

test('renewed credentials are used from the next connection on, and must be good', async () => {
  const { user, element, credentials } = await rig();
  await (await element('only')).element.register();
  const alice = user();
  alice.renew(credentials);
  expect(await nameOfNext(alice)).toBe('only');
  expect(() => alice.renew({ ...credentials, certificate: 'x' })).toThrow(CredentialsError);
});

test('calls end by signal, by time and by close', async () => {
  const { user, credentials } = await rig();
  // A registrar that accepts and says nothing.
  const { port } = await naming('x');
  const deaf = new PoolUser({
    registrars: [{ host: '127.0.0.1', port }],
    credentials,
  });
  const controller = new AbortController();
  const aborted = deaf.resolve('echo', { signal: controller.signal });
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
  await expect(deaf.resolve('echo', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  await expect(deaf.connect('echo', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  const closed = deaf.resolve('echo');
  deaf.close();
  await expect(closed).rejects.toMatchObject({ code: 'closed' });
  await expect(deaf.resolve('echo')).rejects.toMatchObject({ code: 'closed' });
  await expect(user().resolve('nobody')).rejects.toMatchObject({ code: 'unknown-pool' });
});

test('sessions in a set are secured, and the element knows its user', async () => {
  const { registrars, user, elementCredentials } = await rig();
  const seen: string[] = [];
  const served = new PoolElement({
    registrars,
    credentials: await elementCredentials('served'),
    poolHandle: 'echo',
    listen: { host: '127.0.0.1' },
  });
  onTestFinished(() => served.close());
  await served.serve(async (session) => {
    seen.push(session.peer.identity?.commonName ?? 'nobody');
    for await (const message of session) await session.send(message);
  });
  const alice = user();
  const session = await alice.open('echo');
  await session.send('hello');
  const { value } = await session[Symbol.asyncIterator]().next();
  expect(new TextDecoder().decode(value as Uint8Array)).toBe('hello');
  expect(seen).toEqual(['alice']);
  // Whoever speaks no TLS gets nothing.
  const socket = await alice.connect('echo');
  socket.on('error', () => {});
  socket.write(Buffer.alloc(64));
  await once(socket, 'close');
  expect(seen).toEqual(['alice']);
});
