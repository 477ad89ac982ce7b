// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import {
  forgetSharedState,
  hasSharedStateEnded,
  SharedStateWriter,
  takeSharedState,
} from '@vnfpool/runtime/shared-state';
import { MemorySharedState, type SharedStateStore, type SlotClaim } from '@vnfpool/store/shared-state';
import { decodeStateMark } from '@vnfpool/wire/shared-state';
import { expect, test } from 'vitest';
import { Holder, octets, SLOT, textOf } from './holder.ts';

const one: SlotClaim = { epoch: 3, node: 1 };
const two: SlotClaim = { epoch: 4, node: 2 };
const read = async (store: SharedStateStore, claim: SlotClaim): Promise<Record<string, string>> =>
  textOf((await takeSharedState(store, SLOT, claim)).store);

test('what a holder writes the next one reads, and goes on from', async () => {
  const disk = new MemorySharedState();
  const first = await Holder.begin(disk, one);
  first.change({ a: '1', b: '1' });
  first.change({ a: '2', b: null });
  await first.drain();
  expect(first.writer.sequence).toBe(4);
  const second = await Holder.begin(disk, two);
  expect(second.text).toEqual({ a: '2' });
  expect(second.state.sequence).toBe(4);
  second.change({ c: '3' });
  await second.drain();
  expect(await read(disk, { epoch: 9, node: 1 })).toEqual({ a: '2', c: '3' });
  // Not all of it anew.
  expect(decodeStateMark((await disk.look(SLOT)).mark)).toMatchObject({
    generation: 1,
    node: 2,
    sequence: 5,
  });
});

test('changes that come while one is written go together, each key once', async () => {
  const disk = new MemorySharedState();
  const writes: number[] = [];
  const store = new Proxy(disk, {
    get: (target, name) => {
      if (name !== 'write') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return (...words: Parameters<SharedStateStore['write']>) => {
        writes.push(words[2].updates.length);
        return target.write(...words);
      };
    },
  });
  const holder = await Holder.begin(store, one);
  for (let at = 0; at < 50; at++) holder.change({ a: String(at), b: String(at) });
  await holder.drain();
  expect(writes).toEqual([0, 2]);
  expect(await read(disk, two)).toEqual({ a: '49', b: '49' });
});

test('beyond the window the store gets what each key is by then, in pieces that say that they are some', async () => {
  const disk = new MemorySharedState(new Map(), { updates: 4 });
  const holder = await Holder.begin(disk, one, 1_000);
  for (let at = 0; at < 200; at++) holder.change({ [`k${at % 10}`]: `value ${at}` });
  await holder.writer.write();
  expect(decodeStateMark((await disk.look(SLOT)).mark)).toMatchObject({
    state: 'midway',
    sequence: 0,
    sum: null,
  });
  expect((await takeSharedState(disk, SLOT, one)).mark?.state).toBe('midway');
  await holder.drain();
  expect(decodeStateMark((await disk.look(SLOT)).mark)).toMatchObject({ state: 'whole', sequence: 200 });
  expect(await read(disk, two)).toEqual(holder.text);
});

test('one change that is larger than a write goes in several, in order', async () => {
  const disk = new MemorySharedState(new Map(), { updates: 3 });
  const holder = await Holder.begin(disk, one);
  holder.change(Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`k${at}`, String(at)])));
  await holder.writer.write();
  expect(Object.keys(await read(disk, one))).toEqual(['k0', 'k1', 'k2']);
  await holder.drain();
  expect(await read(disk, two)).toEqual(holder.text);
});

test('a holder that was overtaken writes no more, and says who has it', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  await disk.claim(SLOT, two);
  holder.change({ a: 'stale' });
  await expect(holder.writer.write()).rejects.toMatchObject({ name: 'SharedStateSuperseded', epoch: 4 });
  await expect(holder.writer.write()).rejects.toMatchObject({ epoch: 4 });
  await expect(holder.writer.end()).rejects.toMatchObject({ epoch: 4 });
  expect(await read(disk, two)).toEqual({});
  const beside = new SharedStateWriter({
    store: disk,
    slot: SLOT,
    claim: { epoch: 4, node: 3 },
    state: new ReplicaStore(),
    windowOctets: 1,
    base: '',
  });
  await expect(beside.write()).rejects.toThrow('somebody else writes under epoch 4');
});

test('a store that lost its data gets all of it; one that lost it to a later holder gets nothing', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  holder.change({ a: '1' });
  await holder.drain();
  disk.disk.clear();
  // Looking is enough to notice.
  await holder.writer.write();
  expect(holder.writer).toMatchObject({ isDone: false, mark: '', sequence: 0 });
  await holder.drain();
  expect(holder.lost).toBe(1);
  expect(await read(disk, one)).toEqual({ a: '1' });
  disk.disk.clear();
  await disk.claim(SLOT, two);
  await expect(holder.drain()).rejects.toMatchObject({ epoch: 4 });
});

test('a store that went back to what it was before gets all of it', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  holder.change({ a: '1' });
  await holder.drain();
  const before = structuredClone(disk.disk);
  holder.change({ a: '2' });
  await holder.drain();
  disk.disk.clear();
  for (const [slot, stored] of before) disk.disk.set(slot, stored);
  holder.change({ b: '1' });
  await holder.drain();
  expect(holder.lost).toBe(1);
  expect(await read(disk, two)).toEqual({ a: '2', b: '1' });
});

test('until all of a state is there, another one that was there is read, and told as not all', async () => {
  const disk = new MemorySharedState(new Map(), { updates: 2 });
  const first = await Holder.begin(disk, one);
  first.change({ a: 'old', b: 'old' });
  await first.drain();
  const second = Holder.of(disk, two, new ReplicaStore(), '');
  second.change({ a: 'new', b: 'new', c: 'new', d: 'new' });
  await second.writer.write();
  expect(second.writer).toMatchObject({ sequence: 0, isDone: false });
  const midway = await takeSharedState(disk, SLOT, two);
  expect(textOf(midway.store)).toEqual({ a: 'old', b: 'old' });
  expect(midway.mark?.state).toBe('midway');
  await second.drain();
  expect(await read(disk, { epoch: 5, node: 3 })).toEqual(second.text);
});

test('who leaves says that it was all', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  holder.change({ a: '1' });
  expect(await hasSharedStateEnded(disk, SLOT, 4)).toBe(false);
  await holder.writer.end();
  expect(await hasSharedStateEnded(disk, SLOT, 4)).toBe(true);
  const next = await Holder.begin(disk, two);
  expect(next.text).toEqual({ a: '1' });
  expect(await hasSharedStateEnded(disk, SLOT, 9)).toBe(false);
  // Also with nothing to write.
  await next.writer.end();
  expect(decodeStateMark((await disk.look(SLOT)).mark)).toMatchObject({ epoch: 4, state: 'ended' });
});

test('what is missing, or another, is damage, and what cannot be read too', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  holder.change({ a: '1', b: '2' });
  await holder.drain();
  const stored = disk.disk.get(SLOT);
  const data = stored?.generations.get(1);
  data?.set('b', octets('3'));
  const found = await takeSharedState(disk, SLOT, two);
  expect(found).toMatchObject({ base: '' });
  expect(found.damage).toContain('not what was written');
  data?.clear();
  expect((await takeSharedState(disk, SLOT, two)).damage).toContain('has 0 keys');
  if (stored) stored.mark = 'somebody was here';
  expect((await takeSharedState(disk, SLOT, two)).damage).toBe('its mark cannot be read');
  const next = Holder.of(disk, two, new ReplicaStore(), '');
  next.change({ c: '1' });
  await next.drain();
  expect(await read(disk, { epoch: 5, node: 3 })).toEqual({ c: '1' });
});

test('what is forgotten is gone, and whoever held the slot is refused from then on', async () => {
  const disk = new MemorySharedState();
  const holder = await Holder.begin(disk, one);
  holder.change({ a: '1', b: '2' });
  await holder.drain();
  await disk.write(SLOT, one, {
    from: (await disk.look(SLOT)).mark,
    to: (await disk.look(SLOT)).mark.replace(/number=(\d+)/, (_, number) => `number=${Number(number) + 1}`),
    // Left by somebody who was to write all of it anew, and did not come to an end.
    generation: 2,
    updates: [{ key: 'c', value: octets('3') }],
  });
  await forgetSharedState(disk, SLOT);
  const nobody = { epoch: Number.MAX_SAFE_INTEGER, node: 0 };
  expect(await disk.look(SLOT)).toEqual({ claim: nobody, mark: '' });
  for (const generation of [1, 2])
    expect(await disk.read(SLOT, nobody, generation, null)).toMatchObject({ entries: [] });
  holder.change({ d: '4' });
  await expect(holder.drain()).rejects.toThrow(/writes no more/);
  await expect(takeSharedState(disk, SLOT, two)).rejects.toThrow(/writes no more/);
  await expect(forgetSharedState(disk, SLOT)).resolves.toBeUndefined();
});
