// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import {
  FolderStore,
  MemoryObjects,
  type ObjectDisk,
  openObjectStore,
  storeAddressFault,
} from '@vnfpool/store/objects';
import { objectStoreCases } from '@vnfpool/testkit/compliance';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { noServer, RedisServer } from './redis-server.ts';

function folder(): string {
  const path = mkdtempSync(`${tmpdir()}/vnfpool-objects-`);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('memory', () => {
  test.each(objectStoreCases)('$name', async (promise) => {
    const disk: ObjectDisk = new Map();
    await promise.run(async () => new MemoryObjects(disk));
  });
});

describe('a folder', () => {
  test.each(objectStoreCases)('$name', async (promise) => {
    const path = folder();
    await promise.run(async () => openObjectStore(`file://${path}`));
  });

  test('leaves nothing beside its objects', async () => {
    const path = folder();
    const store = new FolderStore(path);
    await store.create('a1', 'one', Uint8Array.of(1));
    await store.create('a1', 'one', Uint8Array.of(2));
    expect(readdirSync(`${path}/a1`)).toEqual(['one']);
  });

  test('that is missing is no empty store', async () => {
    const store = new FolderStore(`${folder()}/mount`);
    await expect(store.list('a1')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.create('a1', 'one', Uint8Array.of(1))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('half a file of a writer that died is no object', async () => {
    const path = folder();
    mkdirSync(`${path}/a1/.0`, { recursive: true });
    expect(await new FolderStore(path).list('a1')).toEqual([]);
  });
});

describe.skipIf(noServer !== '')(
  `Valkey or Redis ${noServer}`,
  () => {
    const server = new RedisServer();
    beforeAll(() => server.start());
    afterAll(() => server.close());
    let database = 0;

    test.each(objectStoreCases)('$name', async (promise) => {
      database += 1;
      await promise.run(async () => openObjectStore(`${server.url}?db=${database}`));
    });

    test('one without room says so, one that is gone too, and one that is back is used again', async () => {
      const small = new RedisServer();
      onTestFinished(() => small.close());
      await small.start('--maxmemory', '4mb', '--maxmemory-policy', 'noeviction');
      const store = openObjectStore(small.url);
      onTestFinished(() => store.close());
      const filled = async (): Promise<void> => {
        for (let at = 0; ; at += 1) await store.create('a1', `n${at}`, new Uint8Array(1_000_000));
      };
      await expect(filled()).rejects.toMatchObject({ code: 'full' });
      expect(await store.list('a1')).toContain('n0');
      await small.stop();
      await expect(store.list('a1')).rejects.toMatchObject({ code: 'unavailable' });
      await small.start();
      expect(await store.list('a1')).toEqual([]);
    });
  },
  30_000,
);

describe('addresses', () => {
  test.each([
    'file:///mnt/shared/vnfpool',
    'redis://store',
    'redis://user:secret@store:6380/3',
    'rediss://[2001:db8::1]:6380',
    'redis+unix:///run/valkey.sock?db=1',
  ])('%s', (address) => {
    expect(storeAddressFault(address)).toBeNull();
  });

  test.each([
    '',
    'store',
    'file://mnt/shared',
    'file:///',
    'http://store',
    'redis:///0',
    'redis://s/x',
    'redis+unix:///s?db=x',
  ])('not %s', (address) => {
    expect(storeAddressFault(address)).toMatch(/^must /);
    expect(() => openObjectStore(address)).toThrow(expect.objectContaining({ code: 'address' }));
  });
});
