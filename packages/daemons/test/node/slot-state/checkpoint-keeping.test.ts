// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { StillClock } from '@vnfpool/testkit/clocks';
import { expect, onTestFinished, test, vi } from 'vitest';
import { noServer, RedisServer } from '../../../../store/test/objects/redis-server.ts';
import { Recorder } from '../../../src/node/slot-state/recorder.ts';
import { CheckpointNode, covered, folder, hastyClock, SLOT } from './checkpoint-scene.ts';

test('a planned hand-over loses nothing: the next holder waits for the last checkpoint', async () => {
  const { store } = folder();
  // Nothing but the last checkpoint would bring it.
  const sharing = { store, windowOctets: 1_000_000 };
  const [one, two] = [new CheckpointNode(1, sharing), new CheckpointNode(2, sharing)];
  expect(await one.take(1, null)).toBe('taken');
  await covered(one);
  await one.source.set({ a: '1', b: '2' });
  const taking = two.take(2, 1, { isReleased: true });
  one.slot.leave();
  expect(await taking).toBe('taken');
  expect(two.source.text).toEqual({ a: '1', b: '2' });
  expect(two.told()).toMatchObject({ isLossy: false, keys: 2 });
});

test('a holder that let go, and did not say that it wrote all, may have lost something', async () => {
  const { store } = folder();
  const one = new CheckpointNode(1, { store });
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  const two = new CheckpointNode(2, { store }, hastyClock());
  expect(await two.take(2, 1, { isReleased: true })).toBe('taken');
  expect(two.source.text).toEqual({ a: '1' });
  expect(two.told()).toMatchObject({ isLossy: true });
});

test('after a crash anybody goes on, and one who was paused can write nothing', async () => {
  const { store, names } = folder();
  const [one, two, three] = [1, 2, 3].map((node) => new CheckpointNode(node, { store })) as [
    CheckpointNode,
    CheckpointNode,
    CheckpointNode,
  ];
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  expect(await two.take(5, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '1' });
  await two.source.set({ b: '2' });
  await covered(two);
  const before = names();
  await one.source.set({ a: 'stale' });
  await vi.waitUntil(() => one.told()?.checkpoint?.fault.includes('epoch 5 of the slot was claimed'));
  await expect(one.source.set({ a: 'stale' })).rejects.toMatchObject({ code: 'closed' });
  expect(names()).toEqual(before);
  expect(await three.take(6, 2)).toBe('taken');
  expect(three.source.text).toEqual({ a: '1', b: '2' });
  expect(three.told()).toMatchObject({ isLossy: false });
});

test('with nobody left alive whoever comes back reads it', async () => {
  const { store } = folder();
  const before = new CheckpointNode(1, { store });
  await before.take(1, null);
  await before.source.set({ a: '1' });
  await covered(before);
  const again = new CheckpointNode(1, { store });
  expect(await again.take(9, 1)).toBe('taken');
  expect(again.source.sink).not.toBeNull();
  expect(Object.fromEntries(again.source.sink?.entries() ?? [])).toHaveProperty('a');
});

test('a damaged checkpoint is found: the one before is taken, and the holder says that something is missing', async () => {
  const { store, path, names } = folder();
  const one = new CheckpointNode(1, { store });
  await one.take(1, null);
  await covered(one);
  await one.source.set({ a: '1' });
  await covered(one);
  await one.source.set({ a: '2' });
  await covered(one);
  const file = `${path}/${SLOT}/${names().findLast((name) => /start|delta/.test(name))}`;
  const octets = readFileSync(file);
  octets[40] = (octets[40] ?? 0) ^ 1;
  writeFileSync(file, octets);
  const two = new CheckpointNode(2, { store });
  expect(await two.take(2, 1)).toBe('taken');
  expect(two.source.text).not.toEqual({ a: '2' });
  expect(two.told()).toMatchObject({ isLossy: true });
});

test('state of a holder that never reached the store is missing, and that is told', async () => {
  const { store } = folder();
  const one = new CheckpointNode(1, { store });
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  const three = new CheckpointNode(3, { store });
  // Node 2 held it in between, and wrote nothing.
  expect(await three.take(7, 2)).toBe('taken');
  expect(three.source.text).toEqual({ a: '1' });
  expect(three.told()).toMatchObject({ isLossy: true });
});

test('a store that cannot be read: another may try, or by the last resort it begins without', async () => {
  const store = `${folder().store}/missing`;
  const strict = new CheckpointNode(2, { store }, hastyClock());
  expect(await strict.take(2, 1)).toContain('ENOENT');
  const last = new CheckpointNode(3, { store, withoutAfterMs: 5_000 }, hastyClock());
  expect(await last.take(3, 1)).toBe('taken');
  expect(last.told()).toMatchObject({ isLossy: true, checkpoint: { isCurrent: false } });
});

test('an agent that takes over from another one goes on under another epoch, with what the function has', async () => {
  const { store } = folder();
  const former = new CheckpointNode(1, { store });
  await former.take(4, null);
  await former.source.set({ a: '1' });
  await covered(former);
  const next = new CheckpointNode(1, { store });
  next.source.state = new Map(former.source.state);
  // The holder before this node was another one, which had let go.
  expect(await next.take(4, 2, { isResumed: true, isReleased: true })).toBe('taken');
  expect(next.told()).toMatchObject({ isLossy: false });
  await next.source.set({ b: '2' });
  await covered(next);
  const two = new CheckpointNode(2, { store });
  expect(await two.take(7, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '1', b: '2' });
  expect(two.told()).toMatchObject({ isLossy: false });
});

test('the same node takes it again with what it had in memory', async () => {
  const { store } = folder();
  const one = new CheckpointNode(1, { store });
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  one.slot.leave();
  // The same node takes it again: what it had is in its memory.
  await one.take(4, 1);
  await one.source.set({ b: '2' });
  await covered(one);
  const two = new CheckpointNode(2, { store });
  await two.take(5, 1);
  expect(two.source.text).toEqual({ a: '1', b: '2' });
});

test.skipIf(noServer !== '')(`a Valkey that lost its data gets all of it again ${noServer}`, async () => {
  const server = new RedisServer();
  onTestFinished(() => server.close());
  await server.start();
  const sharing = { store: server.url, intervalMs: 200 };
  const one = new CheckpointNode(1, sharing);
  await one.take(1, null);
  await one.source.set({ a: '1' });
  await covered(one);
  await server.stop();
  await one.source.set({ b: '2' });
  await vi.waitUntil(() => one.told()?.checkpoint?.fault, { timeout: 20_000, interval: 5 });
  await server.start();
  await covered(one);
  const two = new CheckpointNode(2, sharing);
  expect(await two.take(2, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '1', b: '2' });
  expect(two.told()).toMatchObject({ isLossy: false });
});

test('who holds the slot makes checkpoints on call and is recorded; every candidate can list them', async () => {
  const { store } = folder();
  const sharing = { store, windowOctets: 1_000_000 };
  const [one, two] = [new CheckpointNode(1, sharing), new CheckpointNode(2, sharing)];
  const recorder = new Recorder({ forMs: 1_000, octetsMax: 10_000 }, new StillClock());
  expect(() => one.slot.record(recorder)).toThrow('the slot is not held here');
  expect(() => one.slot.checkpoint(false)).toThrow('the slot is not held here');
  await one.take(1, null);
  one.slot.record(recorder);
  await one.source.set({ a: 'secret', b: '2' });
  const made = await one.slot.checkpoint(true);
  expect(made).toMatchObject({ kind: 'full', epoch: 1, sequence: 2, keys: 2 });
  const signal = new AbortController().signal;
  const found = await two.slot.checkpoints(signal);
  expect(found.at(-1)).toMatchObject({ number: made.number, node: 1, isRestorable: true });
  one.slot.leave();
  await vi.waitUntil(() => recorder.isOver);
  expect(recorder.part(0)).toMatchObject({
    updates: [
      [0, 1, 6],
      [0, 2, 1],
    ],
    end: 'left',
  });
});
