// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';

/* The proxy's tables over a map that standbys have, too. */

interface SharedTablesOfExample {
  readonly map: { standAlone(): boolean; close(): void };
  change(run: () => void): Promise<void>;
}
interface TableOfExample {
  readonly size: number;
  get(key: string): object | undefined;
  set(key: string, record: object): void;
  delete(key: string): void;
}
const examples = '../../../../examples';
const { SharedTables } = (await import(`${examples}/sip/shared-tables.mjs`)) as {
  SharedTables: new () => SharedTablesOfExample;
};
const { Tables } = (await import(`${examples}/ims/tables.mjs`)) as {
  Tables: new (options: object) => { readonly users: TableOfExample };
};

test('a record that the map refuses is neither there nor counted, and nothing may go out by it', async () => {
  const state = new SharedTables();
  state.map.standAlone();
  const { users } = new Tables({ state });
  await state.change(() => users.set('a', { n: 1 }));
  const tooLong = { text: 'x'.repeat(70_000) };
  await expect(state.change(() => users.set('b', tooLong))).rejects.toMatchObject({ code: 'overloaded' });
  expect([users.get('a'), users.get('b'), users.size]).toEqual([{ n: 1 }, undefined, 1]);
  await state.change(() => users.delete('a'));
  expect(users.size).toBe(0);
});

test('where the slot is not held nothing goes out', async () => {
  const state = new SharedTables();
  const { users } = new Tables({ state });
  await expect(state.change(() => users.set('a', { n: 1 }))).rejects.toMatchObject({ code: 'refused' });
  expect(users.size).toBe(0);
});
