// SPDX-License-Identifier: Apache-2.0
import type { ManagerTables } from '@vnfpool/core/manager';
import { createLeaseKey } from '@vnfpool/runtime/lease-seal';
import { MemoryStore } from '@vnfpool/store';
import { expect, test } from 'vitest';
import { type NewMember, StoreLedger } from '../../src/manager/ledger.ts';

/** A ledger, and a node `node-a` that joined, registered and knows its lease key. */
async function createLedger() {
  const store = new MemoryStore<ManagerTables>();
  const joined: NewMember[] = [];
  const ledger = new StoreLedger(store, (node) => joined.push(node));
  const join = async (keyFingerprint: string, leaseKey: string, name = 'node-a') =>
    ledger.consume({
      ...(await ledger.create('node', name, 60_000)),
      role: 'node',
      name,
      keyFingerprint,
      leaseKey,
    });
  const leaseKey = createLeaseKey().publicKey;
  expect(await join('first', leaseKey)).toEqual({ accepted: true, nodeId: 1 });
  const record = await store.get('nodes', 'node-a');
  if (!record) throw new Error('no record');
  const endpoint = {
    v: 1,
    name: 'node-a',
    address: '10.0.0.1',
    port: 1,
    key: Buffer.from(leaseKey, 'base64url').toString('base64'),
    version: '1',
    fence: 'nft',
  } as const;
  await store.write([{ table: 'nodes', key: 'node-a', value: { ...record, endpoint, bootTime: '7' } }]);
  return { store, joined, join, leaseKey };
}

test('a node that was off until its certificate ran out comes back under its number with a new token', async () => {
  const { store, joined, join, leaseKey } = await createLedger();
  expect(await join('second', leaseKey)).toEqual({ accepted: true, nodeId: 1 });
  // What is known of it stays, and nobody hears of a new node.
  expect((await store.get('nodes', 'node-a'))?.bootTime).toBe('7');
  expect(joined).toEqual([{ nodeId: 1, name: 'node-a' }]);
  expect(await join('third', createLeaseKey().publicKey, 'node-b')).toEqual({ accepted: true, nodeId: 2 });
});

test('a node that comes with another lease key has lost its register, and its number with it', async () => {
  const { join } = await createLedger();
  expect(await join('second', createLeaseKey().publicKey)).toEqual({
    accepted: false,
    reason: 'name-in-use',
  });
});

test('tokens whose end is long past make room for new ones', async () => {
  const store = new MemoryStore<ManagerTables>();
  const ledger = new StoreLedger(store, () => {});
  const { tokenId: past } = await ledger.create('node', 'node-a', -25 * 3_600_000);
  const { tokenId: lately } = await ledger.create('node', 'node-a', -3_600_000);
  expect((await ledger.list()).map(({ id }) => id)).toEqual([lately]);
  expect(past).not.toBe(lately);
});
