// SPDX-License-Identifier: Apache-2.0

import { type MemoryDisk, MemoryStore, StoreFullError } from '@vnfpool/store';
import { type ComplianceTables, storeCases } from '@vnfpool/testkit/compliance';
import { describe, expect, test } from 'vitest';

describe('memory store', () => {
  test.each(storeCases)('$name', async (promise) => {
    const disk: MemoryDisk = new Map();
    await promise.run(async () => new MemoryStore<ComplianceTables>({ rowsMax: { log: 3 } }, disk));
  });

  test('a full disk takes nothing and keeps what it has', async () => {
    const store = new MemoryStore<ComplianceTables>();
    await store.write([{ table: 'other', key: 'a', value: '1' }]);
    store.full = true;
    await expect(store.write([{ table: 'other', key: 'b', value: '2' }])).rejects.toBeInstanceOf(
      StoreFullError,
    );
    expect(await store.list('other')).toEqual([{ key: 'a', value: '1' }]);
  });
});
