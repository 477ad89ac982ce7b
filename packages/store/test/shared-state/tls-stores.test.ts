// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { openObjectStore } from '@vnfpool/store/objects';
import {
  openSharedStateStore,
  type SharedStateError,
  type SharedStateStore,
  type SlotClaim,
} from '@vnfpool/store/shared-state';
import { type GatedStore, sharedStateCases } from '@vnfpool/testkit/compliance';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { noServer, RedisServer } from '../objects/redis-server.ts';
import { queryOf, type ServerTls, TlsFiles } from '../tls-files.ts';
import { EtcdServer, noEtcd } from './etcd-server.ts';
import { Gate } from './gate.ts';

const SLOT = '00000000000000a1';
const claim: SlotClaim = { epoch: 3, node: 1 };
const PASSWORD = 'se:cret/@%';

const files = new TlsFiles();
let own: Required<ServerTls>;
let stranger: Required<ServerTls>;
beforeAll(async () => {
  own = await files.pair('own');
  stranger = await files.pair('stranger');
});
afterAll(() => files.remove());

function opened(address: string): SharedStateStore {
  const store = openSharedStateStore(address);
  onTestFinished(() => store.close());
  return store;
}

/** What the store at this address says instead of an answer. */
async function fault(address: string): Promise<SharedStateError> {
  try {
    await opened(address).look(SLOT);
  } catch (error) {
    return error as SharedStateError;
  }
  throw new Error('it answers');
}

function gatedAt(gate: Gate, address: string): GatedStore {
  return {
    store: openSharedStateStore(address),
    hold: () => gate.hold(),
    release: () => gate.release(),
    cut: () => gate.cut(),
    loseAnswer: () => gate.loseAnswer(),
    waits: () => gate.waits(),
  };
}

/** The same address behind the gate. */
const behind = (gate: Gate, address: string): string => address.replace(/:\d+(?=[/?])/, `:${gate.port}`);

async function gateTo(port: number): Promise<Gate> {
  const gate = new Gate({ host: '127.0.0.1', port });
  await gate.listen({ host: '127.0.0.1', port: 0 });
  return gate;
}

/** What holds for both kinds: who signs, what is shown, and which files there are. */
function certificates(
  start: (tls: ServerTls) => Promise<{ readonly name: string; readonly at: (query?: string) => string }>,
): void {
  test('a store of another authority is refused, and so is one with another name', async () => {
    const { client: _nobody, ...open } = own;
    const { name, at } = await start(open);
    const wrong = await fault(at(`?ca=${stranger.ca}`));
    expect(wrong).toMatchObject({ code: 'unavailable' });
    expect(wrong.message).toMatch(`${name}: its certificate is not of ${stranger.ca}: `);
    expect((await fault(at(''))).message).toMatch(
      `${name}: its certificate is not of an authority that is trusted here: `,
    );
    expect((await fault(at().replace('127.0.0.1', 'localhost'))).message).toMatch(
      /^localhost:\d+: its certificate is not accepted: .*altnames/,
    );
    await expect(opened(at(`?ca=${own.ca}`)).claim(SLOT, claim)).resolves.toMatchObject({ isClaimed: true });
  });

  test('where the store asks for a certificate, one of its authority is let in', async () => {
    const { name, at } = await start(own);
    expect((await fault(at(`?ca=${own.ca}`))).message).toMatch(
      `${name}: it asks for a certificate, and the address names none: `,
    );
    const other = queryOf({ ...own, client: stranger.client });
    expect((await fault(at(other))).message).toMatch(
      `${name}: it does not accept ${stranger.client.certificate}: `,
    );
    await expect(opened(at()).claim(SLOT, claim)).resolves.toMatchObject({ isClaimed: true });
  });

  test('files that are missing, or are no certificates, are named; they count once they are there', async () => {
    const { name, at } = await start(own);
    const late = files.write(`late-${name.replace(/.*:/, '')}.pem`, 'nothing');
    const { certificate, key } = own.client;
    const store = opened(at(`?ca=${late}&certificate=${certificate}&key=${key}`));
    await expect(store.look(SLOT)).rejects.toThrow(`${name}: its ca, ${late}, has no certificate in PEM`);
    await expect(opened(at(`?ca=${late}.not`)).look(SLOT)).rejects.toThrow(
      `${name}: its ca cannot be read: ENOENT`,
    );
    const crossed = `?ca=${own.ca}&certificate=${certificate}&key=${stranger.client.key}`;
    await expect(opened(at(crossed)).look(SLOT)).rejects.toThrow(
      `${name}: ${own.ca}, ${certificate}, ${stranger.client.key}: `,
    );
    files.write(late.replace(/.*\//, ''), 'nothing before\n-----BEGIN');
    await expect(store.look(SLOT)).rejects.toThrow('has no certificate in PEM');
    files.write(late.replace(/.*\//, ''), readFileSync(own.ca, 'utf8'));
    await expect(store.look(SLOT)).resolves.toEqual({ claim: null, mark: '' });
  });
}

describe.skipIf(noServer !== '')(
  `Valkey or Redis over TLS ${noServer}`,
  () => {
    let server: RedisServer;
    let gate: Gate;
    let database = 0;
    beforeAll(async () => {
      server = new RedisServer(own);
      await server.start('--databases', '100');
      gate = await gateTo(server.tlsPort);
    });
    afterAll(async () => {
      await gate.close();
      await server.close();
    });

    test.each(sharedStateCases)('$name', async (promise) => {
      database += 1;
      await promise.run({
        open: () => openSharedStateStore(server.tlsUrl(database)),
        openGated: () => gatedAt(gate, behind(gate, server.tlsUrl(database))),
        lose: () => server.command(database, 'FLUSHDB'),
      });
    });

    certificates(async (tls) => {
      const each = new RedisServer(tls);
      onTestFinished(() => each.close());
      await each.start();
      return { name: `127.0.0.1:${each.tlsPort}`, at: (query) => each.tlsUrl(0, '', query) };
    });

    test('user and password: of a file, of the environment; a wrong one is told, and a mended one is taken', async () => {
      const locked = new RedisServer(own);
      onTestFinished(() => locked.close());
      await locked.start('--user', 'pool', 'on', `>${PASSWORD}`, '~vnfpool:*', '+@all');
      const path = files.write('redis-password', 'wrong\n');
      const query = queryOf(own);
      const store = opened(locked.tlsUrl(0, 'pool@', `${query}&passwordFile=${path}`));
      await expect(store.look(SLOT)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/^127\.0\.0\.1:\d+: WRONGPASS /),
      });
      files.write('redis-password', `${PASSWORD}\n`);
      await expect(store.claim(SLOT, claim)).resolves.toMatchObject({ isClaimed: true });
      const variable = 'VNFPOOL_TEST_REDIS_PASSWORD';
      const byVariable = opened(locked.tlsUrl(0, 'pool@', `${query}&passwordVariable=${variable}`));
      await expect(byVariable.look(SLOT)).rejects.toThrow(`its passwordVariable, ${variable}, is not set`);
      process.env[variable] = PASSWORD;
      onTestFinished(() => {
        delete process.env[variable];
      });
      await expect(byVariable.look(SLOT)).resolves.toEqual({ claim, mark: '' });
      const objects = openObjectStore(locked.tlsUrl(0, 'pool@', `${query}&passwordFile=${path}`));
      onTestFinished(() => objects.close());
      await expect(objects.create(SLOT, '1', Buffer.from('one'))).resolves.toBe(true);
    });
  },
  30_000,
);

describe.skipIf(noEtcd !== '')(
  `etcd over TLS ${noEtcd}`,
  () => {
    let server: EtcdServer;
    let gate: Gate;
    beforeAll(async () => {
      server = new EtcdServer(own);
      await server.start();
      gate = await gateTo(server.port);
    }, 30_000);
    afterAll(async () => {
      await gate.close();
      await server.close();
    });

    test.each(sharedStateCases)('$name', async (promise) => {
      await server.empty();
      await promise.run({
        open: () => openSharedStateStore(server.url),
        openGated: () => gatedAt(gate, behind(gate, server.url)),
        lose: () => server.empty(),
      });
    });

    certificates(async (tls) => {
      const each = new EtcdServer(tls);
      onTestFinished(() => each.close());
      await each.start();
      return { name: `127.0.0.1:${each.port}`, at: (query) => each.urlFor('', query) };
    });

    test('user and password: of a file, which is read again when it is refused', async () => {
      const { client: _nobody, ...open } = own;
      const locked = new EtcdServer(open);
      onTestFinished(() => locked.close());
      await locked.start();
      await locked.lock('root', PASSWORD);
      const path = files.write('etcd-password', 'wrong');
      const store = opened(locked.urlFor('root@', `?ca=${own.ca}&passwordFile=${path}`));
      await expect(store.look(SLOT)).rejects.toThrow(/^127\.0\.0\.1:\d+: .*invalid user ID or password/);
      files.write('etcd-password', PASSWORD);
      await expect(store.claim(SLOT, claim)).resolves.toMatchObject({ isClaimed: true });
      await expect(
        opened(locked.urlFor('root@', `?ca=${own.ca}&passwordFile=${path}.not`)).look(SLOT),
      ).rejects.toThrow(/^127\.0\.0\.1:\d+: its passwordFile cannot be read: ENOENT/);
    });

    test('one with users takes no certificate with a common name, and that is said', async () => {
      const locked = new EtcdServer(own);
      onTestFinished(() => locked.close());
      await locked.start();
      await expect(locked.lock('root', PASSWORD)).resolves.toBeUndefined();
      await expect(opened(locked.url).look(SLOT)).rejects.toThrow(
        /^127\.0\.0\.1:\d+: an etcd with users takes no certificate with a common name; show it one without$/,
      );
    });
  },
  30_000,
);

describe('addresses', () => {
  test.each([
    'rediss://user@store?ca=/ca.pem&certificate=/a.pem&key=/a.key&passwordFile=/run/password',
    'etcds://user@a,b:1/?passwordVariable=STORE_PASSWORD',
    'redis://store/2?passwordFile=/run/a+b',
    'redis+unix:///run/s?db=2&passwordFile=/run/password',
  ])('%s', (address) => {
    expect(() => openSharedStateStore(address)).not.toThrow();
  });

  test.each([
    ['redis://store?ca=/ca.pem', 'must be rediss: or etcds:, which are TLS, to have ca'],
    ['etcd://store?ca=/ca.pem', 'must be rediss: or etcds:, which are TLS, to have ca'],
    ['rediss://store?cacert=/ca.pem', 'must not say cacert behind the question mark'],
    ['rediss://store?ca=ca.pem', 'must name the file of ca from the root'],
    ['rediss://store?ca=/a&ca=/b', 'must say ca once'],
    ['rediss://store?certificate=/a.pem', 'must name certificate and key together'],
    ['etcds://u:p@store?passwordFile=/a', 'must say its password in one way'],
    ['redis://u@store?passwordFile=/a&passwordVariable=A', 'must say its password in one way'],
    ['redis://u@store?passwordVariable=A-B', 'must name a variable of the environment'],
  ])('not %s', (address, message) => {
    expect(() => openSharedStateStore(address)).toThrow(message);
  });
});
