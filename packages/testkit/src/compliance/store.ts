// SPDX-License-Identifier: Apache-2.0
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { allocate, type ManagerStore, raiseTerm } from '@vnfpool/store';

/** Tables of the suite. `log` must be opened with `rowsMax` 3. */
export interface ComplianceTables {
  readonly counters: number;
  readonly things: { readonly name: string; readonly size: number };
  readonly other: string;
  readonly log: string;
}

/** One disk: every call opens it again; the suite closes what it opened before. */
export type StoreFactory = () => Promise<ManagerStore<ComplianceTables>>;

/** One promise of the interface. Throws when it is not kept. */
export interface StoreCase {
  readonly name: string;
  run(open: StoreFactory): Promise<void>;
}

/** What every `ManagerStore` keeps. Run each as a test of its own, each on an empty disk. */
export const storeCases: readonly StoreCase[] = [
  {
    name: 'gives back what was written, also after it was opened again',
    run: async (open) => {
      const first = await open();
      equal(await first.get('things', 'a'), undefined);
      await first.write([{ table: 'things', key: 'a', value: { name: 'ä€😀', size: 2 ** 50 } }]);
      deepEqual(await first.get('things', 'a'), { name: 'ä€😀', size: 2 ** 50 });
      await first.close();
      const second = await open();
      deepEqual(await second.get('things', 'a'), { name: 'ä€😀', size: 2 ** 50 });
      await second.close();
    },
  },
  {
    name: 'keeps tables apart and lists each in the order of its keys',
    run: async (open) => {
      const store = await open();
      await store.write(['b', 'a', 'a\0', 'c'].map((key) => ({ table: 'other', key, value: key })));
      await store.write([{ table: 'things', key: 'b', value: { name: 'x', size: 1 } }]);
      deepEqual(
        (await store.list('other')).map(({ key }) => key),
        ['a', 'a\0', 'b', 'c'],
      );
      deepEqual(await store.list('things'), [{ key: 'b', value: { name: 'x', size: 1 } }]);
      deepEqual(await store.list('log'), []);
      await store.close();
    },
  },
  {
    name: 'removes by null; removing what is not there is no error',
    run: async (open) => {
      const store = await open();
      await store.write([{ table: 'other', key: 'a', value: '1' }]);
      await store.write([
        { table: 'other', key: 'a', value: null },
        { table: 'other', key: 'b', value: null },
      ]);
      deepEqual(await store.list('other'), []);
      await store.close();
    },
  },
  {
    name: 'writes all of a batch or nothing',
    run: async (open) => {
      const store = await open();
      await rejects(
        store.write([
          { table: 'other', key: 'a', value: '1' },
          { table: 'other', key: '', value: '2' },
        ]),
      );
      deepEqual(await store.list('other'), []);
      await rejects(store.write([{ table: 'other', key: 'x'.repeat(201), value: '2' }]), {
        name: 'StoreError',
      });
      await store.close();
    },
  },
  {
    name: 'a throw inside a transaction writes nothing and comes back as it is',
    run: async (open) => {
      const store = await open();
      const own = new Error('own');
      await rejects(
        store.transact(() => {
          throw own;
        }),
        (error) => error === own,
      );
      await store.write([{ table: 'other', key: 'a', value: '1' }]);
      await store.close();
    },
  },
  {
    name: 'gives no number twice, also to many at once and after it was opened again',
    run: async (open) => {
      const first = await open();
      const given = await Promise.all(Array.from({ length: 20 }, () => allocate(first, 'function')));
      equal(await allocate(first, 'node', 5), 1);
      await first.close();
      const second = await open();
      given.push(await allocate(second, 'function'));
      deepEqual(
        given.toSorted((a, b) => a - b),
        Array.from({ length: 21 }, (_, index) => index + 1),
      );
      equal(await allocate(second, 'node'), 6);
      await second.close();
    },
  },
  {
    name: 'raises the term at each start',
    run: async (open) => {
      for (const term of [1n, 2n, 3n]) {
        const store = await open();
        equal(await raiseTerm(store), term);
        await store.close();
      }
    },
  },
  {
    name: 'keeps the newest rows of a bounded table',
    run: async (open) => {
      const store = await open();
      for (const key of ['1', '2', '3', '4']) await store.write([{ table: 'log', key, value: key }]);
      deepEqual(
        (await store.list('log')).map(({ key }) => key),
        ['2', '3', '4'],
      );
      await store.write(['5', '6', '7', '8'].map((key) => ({ table: 'log', key, value: key })));
      deepEqual(
        (await store.list('log')).map(({ key }) => key),
        ['6', '7', '8'],
      );
      await store.close();
    },
  },
  {
    name: 'takes a value of 1 MiB',
    run: async (open) => {
      const store = await open();
      const value = 'y'.repeat(1_048_576);
      await store.write([{ table: 'other', key: 'a', value }]);
      equal(await store.get('other', 'a'), value);
      await store.close();
    },
  },
  {
    name: 'refuses to work once closed; closing twice is no error',
    run: async (open) => {
      const store = await open();
      await store.close();
      await store.close();
      await rejects(store.write([{ table: 'other', key: 'a', value: '1' }]), { name: 'StoreError' });
      await rejects(store.get('other', 'a'), { name: 'StoreError' });
    },
  },
];
