// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const key = fc.nat(12).map((n) => `k${n}`);
const value = fc.option(fc.uint8Array({ maxLength: 6 }), { nil: null, freq: 3 });
const updates = fc.array(fc.record({ key, value }), { maxLength: 60 });

const contents = (store: ReplicaStore): Map<string, string> =>
  new Map([...store].map((each) => [each.key, (each.value ?? new Uint8Array()).join()]));

describe('a store', () => {
  test('has the last value of each key, and a digest that only depends on these', () => {
    fc.assert(
      fc.property(updates, (all) => {
        const store = new ReplicaStore();
        const model = new Map<string, string>();
        for (const each of all) {
          store.update(each.key, each.value);
          if (each.value === null) model.delete(each.key);
          else model.set(each.key, each.value.join());
        }
        expect(contents(store)).toEqual(model);
        expect(store.keys).toBe(model.size);
        expect(store.sequence).toBe(all.length);
        const bytes = [...store].reduce((sum, each) => sum + each.key.length + (each.value?.length ?? 0), 0);
        expect(store.bytes).toBe(bytes);
        const other = new ReplicaStore();
        for (const each of [...store].toReversed()) other.update(each.key, each.value);
        expect(other.digest).toBe(store.digest);
      }),
    );
  });

  test('who reads on from any update, while more come, has all of it in the end', () => {
    fc.assert(
      fc.property(
        updates,
        updates,
        fc.nat(60),
        fc.infiniteStream(fc.nat(2)),
        (first, second, place, steps) => {
          const from = Math.min(place, first.length);
          const store = new ReplicaStore();
          const copy = new ReplicaStore();
          for (const [index, each] of first.entries()) {
            store.update(each.key, each.value);
            if (index < from) copy.update(each.key, each.value);
          }
          const cursor = store.cursor(from);
          const take = (): boolean => {
            const next = cursor.next();
            if (next !== undefined) copy.apply(next.key, next.value, next.sequence);
            return next !== undefined;
          };
          for (const each of second) {
            store.update(each.key, each.value);
            for (let n = steps.next().value as number; n > 0; n--) take();
          }
          while (take());
          expect(contents(copy)).toEqual(contents(store));
          expect(copy.digest).toBe(store.digest);
          expect(cursor.isAtEnd).toBe(true);
        },
      ),
    );
  });

  test('whether a key is secret is part of its digest, and is found by a look through', () => {
    const value = Uint8Array.of(1);
    const digests = ([undefined, 'value', 'name'] as const).map((secret) => {
      const store = new ReplicaStore();
      store.update('k', secret === 'name' ? new Uint8Array() : value, secret);
      store.update('other', value);
      store.scrub(2);
      expect(store.damaged.size).toBe(0);
      expect([...store][0]?.secret).toBe(secret);
      return store.digest;
    });
    const empty = new ReplicaStore();
    empty.update('k', new Uint8Array());
    empty.update('other', value);
    expect(new Set([...digests, empty.digest]).size).toBe(4);
    const again = new ReplicaStore();
    again.update('k', value, 'value');
    again.update('k', value);
    again.update('other', value);
    expect(again.digest).toBe(digests[0]);
  });

  test('what it forgets of removals, its floor tells', () => {
    fc.assert(
      fc.property(updates, fc.nat(60), (all, place) => {
        const from = Math.min(place, all.length);
        const store = new ReplicaStore({ removedLeast: 2 });
        const copy = new ReplicaStore();
        for (const [index, each] of all.entries()) {
          store.update(each.key, each.value);
          if (index < from) copy.update(each.key, each.value);
        }
        if (store.floor > from) return;
        const cursor = store.cursor(from);
        for (let next = cursor.next(); next !== undefined; next = cursor.next())
          copy.apply(next.key, next.value, next.sequence);
        expect(contents(copy)).toEqual(contents(store));
      }),
    );
  });
});

describe('the bounds of a store', () => {
  const one = Uint8Array.of(1);

  test('of removals: as many as there are keys, or the least', () => {
    const store = new ReplicaStore({ removedLeast: 2 });
    for (let n = 0; n < 8; n++) store.update(`k${n}`, one);
    for (let n = 0; n < 4; n++) store.update(`k${n}`, null);
    // Four keys, four removals: nothing that was told is dearer than everything anew.
    expect([store.keys, store.floor]).toEqual([4, 0]);
    store.update('k4', null);
    expect([store.keys, store.floor]).toEqual([3, 10]);
    for (let n = 5; n < 8; n++) store.update(`k${n}`, null);
    expect([store.keys, store.floor]).toEqual([0, 14]);
  });

  test('of keys: a new one has no room, a known one has', () => {
    const store = new ReplicaStore({ keysMax: 2 });
    store.update('a', one);
    store.update('b', one);
    expect(store.hasRoomFor('c', one)).toBe(false);
    expect(store.hasRoomFor('a', one)).toBe(true);
    store.update('a', null);
    expect(store.hasRoomFor('c', one)).toBe(true);
  });

  test('of octets: keys and values count, a removal always has room', () => {
    const store = new ReplicaStore({ bytesMax: 4 });
    store.update('a', Uint8Array.of(1, 2, 3));
    expect(store.hasRoomFor('a', Uint8Array.of(1, 2, 3, 4))).toBe(false);
    expect(store.hasRoomFor('a', Uint8Array.of(1, 2, 4))).toBe(true);
    expect(store.hasRoomFor('b', new Uint8Array())).toBe(false);
    expect(store.hasRoomFor('b', null)).toBe(true);
  });
});

test.each([
  ['octets', Uint8Array.of(1)],
  ['a buffer of Node', Buffer.from([1])],
])('a value belongs to the store: %s', (_, value) => {
  const store = new ReplicaStore();
  store.update('a', value);
  value[0] = 2;
  expect(store.get('a')).toEqual(Uint8Array.of(1));
});

test('scrubbing finds a value that was damaged in memory, wherever it is', () => {
  const store = new ReplicaStore();
  for (let n = 0; n < 100; n++) store.update(`k${n}`, Uint8Array.of(n));
  store.scrub(1000);
  expect(store.damaged.size).toBe(0);
  (store.get('k57') as Uint8Array)[0] = 58;
  for (let look = 0; look < 10; look++) store.scrub(10);
  expect([...store.damaged]).toEqual(['k57']);
});
