// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { ObjectStore } from '@vnfpool/store/objects';

/** Opens the same store each time; closed by whoever opened it. */
export type ObjectStoreFactory = () => Promise<ObjectStore>;

export interface ObjectStoreCase {
  readonly name: string;
  run(open: ObjectStoreFactory): Promise<void>;
}

const octets = (...values: number[]): Uint8Array => Uint8Array.from(values);

function checked(
  name: string,
  check: (store: ObjectStore, other: ObjectStore) => Promise<void>,
): ObjectStoreCase {
  return {
    name,
    run: async (open) => {
      const stores = [await open(), await open()] as const;
      try {
        await check(...stores);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
  };
}

function same(found: Uint8Array | null, wanted: Uint8Array): void {
  assert.ok(found !== null && Buffer.compare(found, wanted) === 0);
}

/** What every object store promises; each case begins with an empty one. */
export const objectStoreCases: readonly ObjectStoreCase[] = [
  checked('what was created can be read by others', async (store, other) => {
    assert.equal(await store.create('a1', 'one', octets(0, 255, 13, 10, 128)), true);
    same(await other.read('a1', 'one'), octets(0, 255, 13, 10, 128));
  }),
  checked('an object without octets is one', async (store, other) => {
    assert.equal(await store.create('a1', 'none', octets()), true);
    same(await other.read('a1', 'none'), octets());
  }),
  checked('a large object comes back whole', async (store, other) => {
    const large = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7) & 0xff);
    assert.equal(await store.create('a1', 'large', large), true);
    same(await other.read('a1', 'large'), large);
  }),
  checked('nothing is created twice', async (store, other) => {
    assert.equal(await store.create('a1', 'one', octets(1)), true);
    assert.equal(await other.create('a1', 'one', octets(2)), false);
    assert.equal(await store.create('a1', 'one', octets(3)), false);
    same(await store.read('a1', 'one'), octets(1));
  }),
  checked('of those that come at once one is first', async (store, other) => {
    const came = await Promise.all(
      Array.from({ length: 16 }, (_, at) => (at % 2 === 0 ? store : other).create('a1', 'one', octets(at))),
    );
    assert.equal(came.filter((isFirst) => isFirst).length, 1);
    same(await store.read('a1', 'one'), octets(came.indexOf(true)));
  }),
  checked('names are listed by their folder, in order', async (store, other) => {
    for (const name of ['b-2', 'a-10', 'a-1']) await store.create('a1', name, octets(1));
    await store.create('a2', 'c', octets(1));
    assert.deepEqual(await other.list('a1'), ['a-1', 'a-10', 'b-2']);
    assert.deepEqual(await other.list('a2'), ['c']);
  }),
  checked('folders that were written are told of, in order', async (store, other) => {
    assert.deepEqual(await store.folders(), []);
    for (const folder of ['b1', 'a2', 'a1']) await store.create(folder, 'one', octets(1));
    assert.deepEqual(await other.folders(), ['a1', 'a2', 'b1']);
  }),
  checked('what nobody wrote is not there', async (store) => {
    assert.equal(await store.read('a1', 'one'), null);
    assert.deepEqual(await store.list('a1'), []);
    await store.remove('a1', ['one']);
  }),
  checked('what was removed is gone, and may be created again', async (store, other) => {
    for (const name of ['one', 'two', 'three']) await store.create('a1', name, octets(1));
    await other.remove('a1', ['one', 'three', 'four']);
    assert.deepEqual(await store.list('a1'), ['two']);
    assert.equal(await store.read('a1', 'one'), null);
    assert.equal(await store.create('a1', 'one', octets(2)), true);
    same(await other.read('a1', 'one'), octets(2));
  }),
  checked('names that could lead elsewhere are refused', async (store) => {
    for (const name of ['', '.', '..', 'a/b', '.a', 'A', 'a'.repeat(101)]) {
      await assert.rejects(async () => store.create('a1', name, octets()), RangeError);
      await assert.rejects(async () => store.list(name), RangeError);
    }
  }),
  checked('an object has a largest size', async (store) => {
    await assert.rejects(
      async () => store.create('a1', 'one', new Uint8Array(4 * 1024 ** 2 + 1)),
      RangeError,
    );
    assert.deepEqual(await store.list('a1'), []);
  }),
  checked('who was closed takes nothing more', async (store, other) => {
    await store.create('a1', 'one', octets(1));
    await store.close();
    await assert.rejects(store.create('a1', 'two', octets(1)), { code: 'closed' });
    await assert.rejects(store.read('a1', 'one'), { code: 'closed' });
    await assert.rejects(store.folders(), { code: 'closed' });
    assert.deepEqual(await other.list('a1'), ['one']);
  }),
];
