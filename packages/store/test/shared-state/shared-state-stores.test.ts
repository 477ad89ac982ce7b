// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openObjectStore, storeAddressFault } from '@vnfpool/store/objects';
import { openSharedStateStore, type SlotClaim } from '@vnfpool/store/shared-state';
import { type GatedStore, type SharedStateScene, sharedStateCases } from '@vnfpool/testkit/compliance';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { noServer, RedisServer } from '../objects/redis-server.ts';
import { EtcdServer, noEtcd } from './etcd-server.ts';
import { Gate } from './gate.ts';
import { memoryScene } from './memory-scene.ts';

const SLOT = '00000000000000a1';
const claim: SlotClaim = { epoch: 3, node: 1 };

/** A store behind a gate, and the gate. */
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

describe('memory', () => {
  test.each(sharedStateCases)('$name', (promise) => promise.run(memoryScene()));
});

describe.skipIf(noServer !== '')(
  `Valkey or Redis ${noServer}`,
  () => {
    const server = new RedisServer();
    const path = `${tmpdir()}/vnfpool-gate-${process.pid}`;
    const gate = new Gate({ path: decodeURIComponent(new URL(server.url).pathname) });
    let database = 0;
    beforeAll(async () => {
      await server.start('--databases', '100');
      await gate.listen({ path });
    });
    afterAll(async () => {
      await gate.close();
      await server.close();
      rmSync(path, { force: true });
    });

    test.each(sharedStateCases)('$name', async (promise) => {
      database += 1;
      const at = (socket: string): string => `redis+unix://${socket}?db=${database}`;
      const scene: SharedStateScene = {
        open: () => openSharedStateStore(`${server.url}?db=${database}`),
        openGated: () => gatedAt(gate, at(path)),
        lose: () => server.command(database, 'FLUSHDB'),
      };
      await promise.run(scene);
    });

    test('one without room says so, and lets claim and remove; one that comes back empty knows no claim', async () => {
      const small = new RedisServer();
      onTestFinished(() => small.close());
      await small.start('--maxmemory', '4mb', '--maxmemory-policy', 'noeviction');
      const store = openSharedStateStore(small.url);
      onTestFinished(() => store.close());
      await store.claim(SLOT, claim);
      let written = 0;
      const filled = async (): Promise<void> => {
        for (; ; written += 1) {
          const updates = [{ key: `k${written}`, value: new Uint8Array(65_536) }];
          await store.write(SLOT, claim, {
            from: written === 0 ? '' : `m${written}`,
            to: `m${written + 1}`,
            generation: 1,
            updates,
          });
        }
      };
      await expect(filled()).rejects.toMatchObject({ code: 'full' });
      const from = `m${written}`;
      expect(await store.look(SLOT)).toEqual({ claim, mark: from });
      const next = { epoch: 4, node: 2 };
      expect(await store.claim(SLOT, next)).toEqual({ isClaimed: true, claim: next, mark: from });
      const updates = Array.from({ length: written }, (_, at) => ({ key: `k${at}`, value: null }));
      expect(await store.write(SLOT, next, { from, to: 'n1', generation: 1, updates })).toEqual({
        isRefused: false,
      });
      const some = [{ key: 'k', value: new Uint8Array(65_536) }];
      await store.write(SLOT, next, { from: 'n1', to: 'n2', generation: 1, updates: some });
      await small.stop();
      await expect(store.look(SLOT)).rejects.toMatchObject({ code: 'unavailable' });
      await small.start();
      expect(await store.look(SLOT)).toEqual({ claim: null, mark: '' });
    });
  },
  30_000,
);

describe.skipIf(noEtcd !== '')(
  `etcd ${noEtcd}`,
  () => {
    const server = new EtcdServer();
    let gate: Gate;
    beforeAll(async () => {
      await server.start();
      gate = new Gate({ host: '127.0.0.1', port: server.port });
      await gate.listen({ host: '127.0.0.1', port: 0 });
    }, 30_000);
    afterAll(async () => {
      await gate.close();
      await server.close();
    });

    test.each(sharedStateCases)('$name', async (promise) => {
      await server.empty();
      const scene: SharedStateScene = {
        open: () => openSharedStateStore(server.url),
        openGated: () => gatedAt(gate, `etcd://127.0.0.1:${gate.port}`),
        lose: () => server.empty(),
      };
      await promise.run(scene);
    });

    test('one without room says so; of members the next one is asked when one does not answer', async () => {
      const small = new EtcdServer();
      onTestFinished(() => small.close());
      await small.start('--quota-backend-bytes', '1000000');
      const store = openSharedStateStore(small.url);
      onTestFinished(() => store.close());
      await store.claim(SLOT, claim);
      const updates = Array.from({ length: 10 }, (_, at) => ({
        key: `k${at}`,
        value: new Uint8Array(65_536),
      }));
      const filled = async (): Promise<void> => {
        for (let at = 0; ; at++)
          await store.write(SLOT, claim, {
            from: at ? `m${at}` : '',
            to: `m${at + 1}`,
            generation: 1,
            updates,
          });
      };
      await expect(filled()).rejects.toMatchObject({ code: 'full' });
      expect((await store.look(SLOT)).claim).toEqual(claim);
      // Nobody listens at the first.
      const many = openSharedStateStore(`etcd://127.0.0.1:1,127.0.0.1:${small.port}`);
      onTestFinished(() => many.close());
      await expect(many.look(SLOT)).rejects.toMatchObject({ code: 'unavailable' });
      expect((await many.look(SLOT)).claim).toEqual(claim);
      await small.stop();
      await expect(store.look(SLOT)).rejects.toMatchObject({ code: 'unavailable' });
    });

    test('one that wants a password gets it, again where its token is lost', async () => {
      const locked = new EtcdServer();
      onTestFinished(() => locked.close());
      await locked.start();
      await locked.lock('root', 'se:cret');
      const store = openSharedStateStore(`etcd://root:se%3Acret@127.0.0.1:${locked.port}`);
      const stranger = openSharedStateStore(locked.url);
      onTestFinished(async () => {
        await Promise.all([store.close(), stranger.close()]);
      });
      expect((await store.claim(SLOT, claim)).isClaimed).toBe(true);
      await expect(stranger.look(SLOT)).rejects.toMatchObject({ code: 'unavailable' });
      await locked.stop();
      await locked.start();
      // The connection is lost, too.
      await expect(store.look(SLOT).catch(() => store.look(SLOT))).resolves.toEqual({ claim, mark: '' });
    });
  },
  30_000,
);

describe('addresses', () => {
  test.each([
    'etcd://store',
    'etcd://a:2379,b:2380,[2001:db8::1]:2379',
    'etcds://user:se%3Acret@store:2379/',
    'redis://store',
  ])('%s', (address) => {
    expect(storeAddressFault(address)).toBeNull();
  });

  test.each(['etcd://', 'etcd://a,,b', 'etcd://a:b', 'etcd://a/b', 'etcd:a', 'etcdx://a'])(
    'not %s',
    (address) => {
      expect(storeAddressFault(address)).toMatch(/^must /);
      expect(() => openSharedStateStore(address)).toThrow(expect.objectContaining({ code: 'address' }));
    },
  );

  test('each kind of store has its own', () => {
    expect(() => openSharedStateStore('file:///mnt/shared')).toThrow(
      /cannot refuse what a stale holder writes/,
    );
    expect(() => openObjectStore('etcd://store')).toThrow(/too small for checkpoints/);
  });
});
