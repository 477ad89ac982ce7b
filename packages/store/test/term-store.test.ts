// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EmbeddedStore,
  type ManagerStore,
  MemoryStore,
  raiseTerm,
  SupersededError,
  TermStore,
} from '@vnfpool/store';
import { describe, expect, onTestFinished, test } from 'vitest';

interface Tables {
  readonly counters: number;
  readonly sets: string;
}

const stores: Readonly<Record<string, () => ManagerStore<Tables>>> = {
  memory: () => new MemoryStore<Tables>(),
  embedded: () => {
    const directory = mkdtempSync(join(tmpdir(), 'vnfpool-term-'));
    const store = new EmbeddedStore<Tables>(directory);
    onTestFinished(async () => {
      await store.close();
      rmSync(directory, { recursive: true });
    });
    return store;
  },
};

describe.each(Object.entries(stores))('%s', (_, open) => {
  test('of two managers the older one changes nothing, and is told so', async () => {
    const store = open();
    const told: bigint[] = [];
    const first = new TermStore(store, await raiseTerm(store), ({ term }) => void told.push(term));
    await first.write([{ table: 'sets', key: 'edge', value: 'of the first' }]);
    await first.confirm();
    const second = new TermStore(store, await raiseTerm(store));
    await second.write([{ table: 'sets', key: 'edge', value: 'of the second' }]);

    const late = [{ table: 'sets', key: 'edge', value: 'too late' }] as const;
    await expect(first.write(late)).rejects.toThrow(SupersededError);
    await expect(first.transact(() => ({ writes: late, result: 1 }))).rejects.toThrow(
      'a manager of term 2 leads on this store, we had 1',
    );
    await expect(first.confirm()).rejects.toMatchObject({ code: 'SUPERSEDED', term: 2n });
    expect(told).toEqual([2n, 2n, 2n]);
    expect(await first.get('sets', 'edge')).toBe('of the second');
    expect(await second.list('sets')).toEqual([{ key: 'edge', value: 'of the second' }]);
  });

  test("the caller's own errors pass, and what reads decides within the same transaction", async () => {
    const store = open();
    const mine = new TermStore(store, await raiseTerm(store), () => expect.unreachable());
    await expect(
      mine.transact(() => {
        throw new RangeError('my own');
      }),
    ).rejects.toThrow('my own');
    const write = (reader: { get(table: 'sets', key: string): string | undefined }) => ({
      writes: [{ table: 'sets', key: 'n', value: `${reader.get('sets', 'n') ?? ''}x` }] as const,
      result: reader.get('sets', 'n') ?? '',
    });
    expect(await mine.transact(write)).toBe('');
    expect(await mine.transact(write)).toBe('x');
    expect(await mine.get('sets', 'n')).toBe('xx');
  });
});
