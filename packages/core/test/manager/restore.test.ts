// SPDX-License-Identifier: Apache-2.0

import { ManagerCore, type ManagerTables, ROWS_MAX, restoreState } from '@vnfpool/core/manager';
import { type MemoryDisk, MemoryStore } from '@vnfpool/store';
import { expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { seeded } from './fake-mobility.ts';

test('what a core persists through a store is what the next one starts from', async () => {
  const disk: MemoryDisk = new Map();
  const store = new MemoryStore<ManagerTables>({ rowsMax: { ...ROWS_MAX } }, disk);
  const options = { random: seeded(1), wallMs: (nowMs: number) => nowMs, mode: 'loopback' as const };
  const first = new ManagerCore(options, await restoreState((table) => store.list(table)));
  const declared = set(['a', 'b', 'c'], [pool('web', 1, 1, 1)]);
  let outputs = first.handle({ type: 'apply', requestId: 1, declared, text: 'text', file: 'file' }, 1);
  for (let round = 0; round < 10 && outputs.length > 0; round++) {
    const next: typeof outputs = [];
    for (const output of outputs) {
      if (output.type !== 'persist') continue;
      await store.write(output.writes);
      next.push(...first.handle({ type: 'persisted', id: output.id }, 2 + round));
    }
    outputs = next;
  }
  const second = new ManagerCore(options, await restoreState((table) => store.list(table)));
  expect(second.declaration()).toMatchObject({ declared, text: 'text', file: 'file', generation: 1 });
  expect(second.views(20).instances).toEqual(first.views(20).instances);
  expect(second.views(20).events).toEqual(first.views(20).events);
  expect(second.views(20).events.map(({ type }) => type)).toEqual(['declaration.applied']);
  expect(second.preview(declared)).toEqual([]);
});
