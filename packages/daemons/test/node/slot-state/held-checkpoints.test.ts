// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { silentLogger } from '@vnfpool/runtime/logging';
import { MemoryObjects, ObjectStoreError } from '@vnfpool/store/objects';
import { StillClock } from '@vnfpool/testkit/clocks';
import type { CheckpointSharing } from '@vnfpool/wire/mobility';
import { expect, test, vi } from 'vitest';
import { HeldCheckpoints } from '../../../src/node/slot-state/held-checkpoints.ts';
import type { OpenStores } from '../../../src/node/slot-state/open-stores.ts';
import { SLOT } from './checkpoint-scene.ts';

/** A store that can be taken away. */
class Fragile extends MemoryObjects {
  isGone = false;

  override async list(folder: string): Promise<readonly string[]> {
    if (this.isGone) throw new ObjectStoreError('unavailable', 'it is gone');
    return super.list(folder);
  }
}

function held(sharing: Partial<CheckpointSharing> = {}) {
  const clock = new StillClock();
  const objects = new Fragile();
  const state = new HeldCheckpoints({
    slot: SLOT,
    label: { slot: SLOT, set: 'shop', pool: 'kv', index: 0, format: 'kv/1' },
    epoch: 3,
    self: 1,
    state: new ReplicaStore(),
    start: { epoch: 0, number: 0 },
    sharing: {
      method: 'checkpoint',
      store: 'file:///s',
      intervalMs: 1_000,
      windowOctets: 1_000,
      overload: 'block',
      ...sharing,
    },
    isLossy: false,
    stores: { at: () => objects } as unknown as OpenStores,
    clock,
    logger: silentLogger,
    onOverruled: () => undefined,
  });
  const all = (): string[] => [...(objects.disk.get(SLOT)?.keys() ?? [])];
  const names = (): string[] =>
    all()
      .filter((name) => !name.startsWith('label'))
      .map((name) => name.slice(17));
  return { clock, objects, state, names };
}

const change = (key: string, length = 1) => [{ key, value: new Uint8Array(length) }];
const isCurrent = (state: HeldCheckpoints) => state.report().checkpoint?.isCurrent;

test('a checkpoint is made after half the interval, at once for much, and when it is called for', async () => {
  const { clock, state, names } = held();
  await vi.waitUntil(() => isCurrent(state));
  await state.change(change('a'));
  clock.pass(499);
  expect(names()).toEqual(['0000000000-claim', '0000000001-start']);
  clock.pass(1);
  await vi.waitUntil(() => names().length === 3);
  await state.change(change('b', 1_000));
  clock.pass(0);
  await vi.waitUntil(() => names().length === 4);
  await state.change(change('c'));
  await state.checkpoint();
  expect(names()).toHaveLength(5);
  expect(state.report().checkpoint).toMatchObject({
    sequence: 3,
    ageMs: 0,
    lagBytes: 0,
    isCurrent: true,
    fault: '',
  });
});

test('with block updates wait while the store is behind, and go on when it is not', async () => {
  const { clock, objects, state } = held();
  await vi.waitUntil(() => isCurrent(state));
  objects.isGone = true;
  await state.change(change('a'));
  await state.checkpoint();
  expect(state.report().checkpoint).toMatchObject({ fault: 'it is gone', isCurrent: true });
  clock.pass(1_001);
  expect(isCurrent(state)).toBe(false);
  let isSettled = false;
  const waiting = state.change(change('b')).then(() => {
    isSettled = true;
  });
  await state.checkpoint();
  expect(isSettled).toBe(false);
  expect(state.report().waiting).toBe(1);
  objects.isGone = false;
  await state.checkpoint();
  await waiting;
  expect(state.report()).toMatchObject({
    waiting: 0,
    checkpoint: { sequence: 2, fault: '', isCurrent: true },
  });
});

test('with degrade the holder goes on, whatever the store does', async () => {
  const { clock, objects, state } = held({ overload: 'degrade' });
  await vi.waitUntil(() => isCurrent(state));
  objects.isGone = true;
  await state.change(change('a'));
  clock.pass(60_000);
  await state.change(change('b'));
  expect(state.report().checkpoint).toMatchObject({ isCurrent: false, ageMs: 60_000, lagBytes: 20 });
});

test('what the store has lost is written again, also when nothing changes', async () => {
  const { clock, objects, state, names } = held();
  await vi.waitUntil(() => isCurrent(state));
  objects.disk.clear();
  clock.pass(10_000);
  await vi.waitUntil(() => names().length === 2);
  expect(names()).toEqual(['0000000000-claim', '0000000002-start']);
});

test('another store gets all of it', async () => {
  const { state, objects, names } = held();
  await vi.waitUntil(() => isCurrent(state));
  await state.change(change('a'));
  objects.disk.clear();
  state.follow({
    method: 'checkpoint',
    store: 'file:///other',
    intervalMs: 1_000,
    windowOctets: 1_000,
    overload: 'block',
  });
  await vi.waitUntil(() => names().length === 2);
  // Numbers go on: it may be one that was left before, under the same epoch.
  expect(names()).toEqual(['0000000000-claim', '0000000002-start']);
});

test('who leaves writes what is left; with a store that is gone others are not kept waiting', async () => {
  const { state, names } = held();
  await state.change(change('a'));
  await state.leave(new AbortController().signal);
  expect(names().at(-1)).toMatch(/end$/);
  const other = held();
  await vi.waitUntil(() => isCurrent(other.state));
  other.objects.isGone = true;
  const left = other.state.leave(new AbortController().signal);
  await vi.waitUntil(() => {
    other.clock.pass(1_000);
    return other.state.report().checkpoint?.fault === 'it is gone' && other.clock.nowMs() > 5_000;
  });
  await left;
});

test('one on call has what was changed before it, is full when that is asked for, and says what it is', async () => {
  const { clock, state, names } = held();
  await vi.waitUntil(() => isCurrent(state));
  await state.change(change('a', 100));
  const full = await state.checkpointNow(true);
  expect(full).toMatchObject({ kind: 'full', epoch: 3, number: 2, sequence: 1, keys: 1, tookMs: 0 });
  expect(full.octets).toBeGreaterThan(100);
  await state.change(change('b', 10));
  const delta = await state.checkpointNow(false);
  expect(delta).toMatchObject({ kind: 'incremental', number: 3, sequence: 2, keys: 2 });
  expect(delta.octets).toBeLessThan(full.octets);
  expect(await state.checkpointNow(false)).toMatchObject({ kind: 'none', number: 3, octets: 0 });
  const made = ['0000000000-claim', '0000000001-start', '0000000002-start', '0000000003-delta'];
  // The interval has nothing to write for what the call has written.
  clock.pass(600);
  expect(names()).toEqual(made);
});

test('several calls at a time are each a checkpoint that began behind it', async () => {
  const { state } = held();
  await state.change(change('a'));
  const first = state.checkpointNow(false);
  await state.change(change('b'));
  const [one, two] = await Promise.all([first, state.checkpointNow(true)]);
  expect(one.sequence).toBeGreaterThanOrEqual(1);
  expect(two).toMatchObject({ kind: 'full', sequence: 2, keys: 2 });
});

test('one on call says why the store has none, and the next one comes through', async () => {
  const { objects, state } = held();
  await vi.waitUntil(() => isCurrent(state));
  await state.change(change('a'));
  objects.isGone = true;
  await expect(state.checkpointNow(false)).rejects.toThrow('the store does not take it: it is gone');
  objects.isGone = false;
  expect(await state.checkpointNow(false)).toMatchObject({ kind: 'incremental', sequence: 1 });
  await state.leave(new AbortController().signal);
  await expect(state.checkpointNow(false)).rejects.toThrow('the slot is handed over');
});
