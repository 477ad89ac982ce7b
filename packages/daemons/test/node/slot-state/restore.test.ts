// SPDX-License-Identifier: Apache-2.0

import { renameSync } from 'node:fs';
import { ObjectStoreError } from '@vnfpool/store/objects';
import { expect, test, vi } from 'vitest';
import { CheckpointNode, covered, definitionOf, folder } from './checkpoint-scene.ts';

const signal = new AbortController().signal;

/** Two nodes; the first has written `a=1` as 1/`number`, and `a=2, b=2` behind it. */
async function scene() {
  const { store, path, names } = folder();
  const [one, two] = [new CheckpointNode(1, { store }), new CheckpointNode(2, { store })];
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  const { number } = await one.slot.checkpoint(true);
  await one.source.set({ a: '2', b: '2' });
  await covered(one);
  return { one, two, number, path, names, store };
}

test('the holder writes it as the newest and gives the slot up; the next one begins with it, and nothing is missing', async () => {
  const { one, two, number } = await scene();
  const made = await one.slot.restore({ epoch: 1, number }, signal);
  expect(made).toMatchObject({ kind: 'full', epoch: 1, keys: 1 });
  expect(one.posted).toContainEqual({ type: 'release', slot: expect.any(String), reason: 'operator' });
  // It serves for a moment still: what it changes is dropped like the rest.
  await one.source.set({ c: 'late' });
  const taking = two.take(2, 1, { isReleased: true });
  one.slot.leave();
  expect(await taking).toBe('taken');
  expect(two.source.text).toEqual({ a: '1' });
  expect(two.told()).toMatchObject({ isLossy: false, keys: 1 });
});

test('the same node begins with it, too, though it and its function have something else', async () => {
  const { one, number } = await scene();
  await one.slot.restore({ epoch: 1, number }, signal);
  one.slot.leave();
  expect(await one.take(3, 1, { isReleased: true })).toBe('taken');
  expect(one.source.text).toEqual({ a: '1' });
  expect(one.told()).toMatchObject({ isLossy: false });
  await one.source.set({ d: '4' });
  await covered(one);
});

test('where nobody holds it any candidate writes it, and who held it last does not go on with what it had', async () => {
  const { one, two, number, names } = await scene();
  one.slot.leave();
  await vi.waitUntil(() => names().at(-1)?.endsWith('end'));
  const made = await two.slot.restore({ epoch: 1, number }, signal);
  expect(made).toMatchObject({ kind: 'full', keys: 1 });
  expect(two.posted).toEqual([]);
  expect(await one.take(3, 1, { isReleased: true })).toBe('taken');
  expect(one.source.text).toEqual({ a: '1' });
  expect(one.told()).toMatchObject({ isLossy: false });
});

test('a holder that was taken for gone gives the slot up, and begins with it', async () => {
  const { one, two, number } = await scene();
  await two.slot.restore({ epoch: 1, number }, signal);
  await one.source.set({ a: '3' });
  await vi.waitUntil(() => one.posted.some(({ type }) => type === 'release'), { timeout: 20_000 });
  await expect(one.source.set({ a: '4' })).rejects.toMatchObject({ code: 'closed' });
  one.slot.leave();
  expect(await one.take(3, 1, { isReleased: true })).toBe('taken');
  expect(one.source.text).toEqual({ a: '1' });
});

test('nothing is done where another node holds it, where it is gone, or the store does not answer', async () => {
  const { one, two, number, path, names } = await scene();
  const before = names();
  const held = { state: 'held', epoch: '1', holder: { node: 1, functionId: 77 }, candidates: [] } as const;
  two.slot.observed({ id: '00000000000000a1', reason: '', ...held });
  const place = { epoch: 1, number };
  await expect(two.slot.restore(place, signal)).rejects.toThrow('another node holds the slot');
  const none = { epoch: 1, number: 99 };
  await expect(one.slot.restore(none, signal)).rejects.toThrow('no checkpoint 1/99');
  await expect(one.slot.restore(place, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  expect(names()).toEqual(before);
  renameSync(path, `${path}-elsewhere`);
  try {
    await expect(one.slot.restore(place, signal)).rejects.toThrow(ObjectStoreError);
  } finally {
    renameSync(`${path}-elsewhere`, path);
  }
  expect(one.posted).toEqual([]);
  await one.source.set({ a: '5' });
  await covered(one);
  expect(await two.take(2, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '5', b: '2' });
});

test('how many are kept is followed while the slot is held, and a store may be left and come back to', async () => {
  const { one, names, store } = await scene();
  const other = folder();
  const fulls = (): number => names().filter((name) => name.endsWith('start')).length;
  one.slot.define(definitionOf({ store, keepFull: 6 }), []);
  for (let turn = 0; turn < 8; turn++) await one.slot.checkpoint(true);
  expect(fulls()).toBe(6);
  one.slot.define(definitionOf({ store, keepFull: 3 }), []);
  await one.slot.checkpoint(false);
  expect(fulls()).toBe(3);
  one.slot.define(definitionOf({ store: other.store }), []);
  await vi.waitUntil(() => one.told()?.checkpoint?.isCurrent, { timeout: 20_000 });
  one.slot.define(definitionOf({ store }), []);
  await one.source.set({ a: '7' });
  await covered(one);
  const two = new CheckpointNode(2, { store });
  expect(await two.take(2, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '7', b: '2' });
});
