// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ReplicaStore } from '@vnfpool/core/replication';
import { CheckpointWriter, labelSlot } from '@vnfpool/runtime/checkpoint';
import { openObjectStore } from '@vnfpool/store/objects';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CheckpointNode, covered, folder, SLOT } from './checkpoint-scene.ts';

/** A slot of a set that is gone. */
const OLD = '00000000000000b2';
const { signal } = new AbortController();
/** Higher than whatever is written before a slot is held. */
const FIRST = 2 ** 40 + 1;

interface Left {
  /** Null: its holder did not say, as of an earlier version. */
  readonly format?: string | null;
}

/** A store in which the old slot has left `a=1` as 7/1, and `a=2` behind it, and two nodes of a set that knows nothing of it. */
async function scene({ format = 'kv/1' }: Left = {}) {
  const { store, path, names } = folder();
  const objects = openObjectStore(store);
  onTestFinished(() => objects.close());
  const state = new ReplicaStore();
  const set = (value: string): number => state.update('a', Buffer.from(value));
  set('1');
  if (format !== null)
    await labelSlot(objects, 7, { slot: OLD, set: 'former', pool: 'kv', index: 3, format });
  const writer = new CheckpointWriter({ objects, slot: OLD, epoch: 7, node: 5, state, wallMs: () => 1_000 });
  await writer.write();
  set('2');
  await writer.write();
  const sharing = { store, format: 'kv/1' };
  const [one, two] = [new CheckpointNode(1, sharing), new CheckpointNode(2, sharing)];
  return { one, two, store, path, names };
}

const place = (number: number) => ({ epoch: 7, number });
const from = { source: OLD };

test('where nobody has ever held the slot, a node of its own begins with it, and not with what its function has', async () => {
  const { one, two, path, names } = await scene();
  const before = readdirSync(`${path}/${OLD}`);
  expect(await one.slot.restore(place(2), signal, from)).toMatchObject({ kind: 'full', epoch: 1, keys: 1 });
  expect(names()).toEqual(['0000000000000001-0000000001-start', '0000000000000001-0000000002-end']);
  // The node that wrote it is gone for good.
  two.source.state.set('own', Buffer.from('1'));
  expect(await two.take(FIRST, null)).toBe('taken');
  expect(two.source.text).toEqual({ a: '2' });
  expect(two.told()).toMatchObject({ isLossy: false, keys: 1 });
  await two.source.set({ a: '3' });
  await covered(two);
  expect(readdirSync(`${path}/${OLD}`)).toEqual(before);
});

test('the holder gives the slot up, and the next one begins with it under another epoch', async () => {
  const { one, two } = await scene();
  expect(await one.take(FIRST, null)).toBe('taken');
  await one.source.set({ b: '5' });
  await covered(one);
  expect(await one.slot.restore(place(1), signal, from)).toMatchObject({ epoch: FIRST, keys: 1 });
  expect(one.posted).toContainEqual({ type: 'release', slot: SLOT, reason: 'operator' });
  // What the holder had is there, too, until the next one has written enough.
  expect((await one.slot.checkpoints(signal)).length).toBeGreaterThan(1);
  const taking = two.take(FIRST + 1, 1, { isReleased: true });
  one.slot.leave();
  expect(await taking).toBe('taken');
  expect(two.source.text).toEqual({ a: '1' });
  expect(two.told()).toMatchObject({ isLossy: false });
});

test('a holder that dies directly after leaves it to whoever is next', async () => {
  const { one, two } = await scene();
  expect(await one.take(FIRST, null)).toBe('taken');
  await one.slot.restore(place(2), signal, from);
  // It says nothing more.
  expect(await two.take(FIRST + 1, 1)).toBe('taken');
  expect(two.source.text).toEqual({ a: '2' });
});

test('what the store has of others is told, and whether it fits; the slot itself is left out', async () => {
  const { one, path } = await scene();
  expect(await one.take(FIRST, null)).toBe('taken');
  await covered(one);
  const told = {
    slot: OLD,
    set: 'former',
    pool: 'kv',
    index: 3,
    format: 'kv/1',
    full: 1,
    epoch: 7,
    number: 2,
    wallMs: 1_000,
    keys: 1,
    damage: '',
    misfit: '',
  };
  expect(await one.slot.others(signal)).toEqual([told]);
  expect(await one.slot.others(signal, from)).toEqual([told]);
  expect(await one.slot.others(signal, { source: '00000000000000ff' })).toEqual([]);
  expect(await one.slot.checkpoints(signal, OLD)).toMatchObject([
    { number: 1, kind: 'full', keys: 1 },
    { number: 2, isRestorable: true },
  ]);
  // This slot says whose it is, for others.
  expect(readdirSync(`${path}/${SLOT}`)).toContain('label-0001099511627777');
});

test.each<[string, Left, Parameters<CheckpointNode['slot']['restore']>[2], number, string]>([
  [
    'of another format',
    { format: 'kv/2' },
    from,
    1,
    'it is of the format kv/2, and the state of this slot of kv/1',
  ],
  [
    'of another format, whatever is said of it',
    { format: 'kv/2' },
    { ...from, format: 'kv/1' },
    1,
    'it is of the format kv/2, and the state of this slot of kv/1',
  ],
  ['of a format that nobody says', { format: null }, from, 1, 'the store does not say of what format it is'],
  [
    'that is said to be of another format',
    { format: null },
    { ...from, format: 'kv/3' },
    1,
    'it is of the format kv/3, and the state of this slot of kv/1',
  ],
  ['of the slot itself', {}, { source: SLOT }, 1, `${SLOT} is the slot itself`],
  [
    'of a slot that the store does not know',
    {},
    { source: '00000000000000ff' },
    1,
    'there is no checkpoint 7/1',
  ],
  ['that is gone', {}, from, 9, 'there is no checkpoint 7/9'],
])('one %s is refused, and nothing is changed', async (_, left, source, number, why) => {
  const { one, names } = await scene(left);
  expect(await one.take(FIRST, null)).toBe('taken');
  await one.source.set({ b: '5' });
  await covered(one);
  const before = names();
  await expect(one.slot.restore(place(number), signal, source)).rejects.toThrow(why);
  expect(names()).toEqual(before);
  expect(one.posted).toEqual([]);
});

test('one whose format an operator says is taken where the store does not', async () => {
  const { one } = await scene({ format: null });
  expect(await one.slot.others(signal)).toMatchObject([
    { set: '', format: '', misfit: 'the store does not say of what format it is' },
  ]);
  const said = { ...from, format: 'kv/1' };
  expect(await one.slot.others(signal, said)).toMatchObject([{ format: '', misfit: '' }]);
  expect(await one.slot.others(signal, { ...from, format: 'kv/2' })).toMatchObject([
    { misfit: expect.stringContaining('kv/2') },
  ]);
  expect(await one.slot.restore(place(1), signal, said)).toMatchObject({ keys: 1 });
  expect(await one.take(FIRST, null)).toBe('taken');
  expect(one.source.text).toEqual({ a: '1' });
});

test('one that is damaged is refused, and told as such', async () => {
  const { one, path } = await scene();
  const file = `${path}/${OLD}/0000000000000007-0000000001-start`;
  const octets = readFileSync(file);
  octets.writeUInt8(octets.readUInt8(9) ^ 1, 9);
  writeFileSync(file, octets);
  await expect(one.slot.restore(place(1), signal, from)).rejects.toThrow('checkpoint 7/1 is not whole');
  await expect(one.slot.restore(place(2), signal, from)).rejects.toThrow('0000000001-start: the digest');
  const [start] = await one.slot.checkpoints(signal, OLD);
  expect(start?.damage).toContain('0000000001-start');
});

test('a manager that does not say the format of a slot has it given nothing', async () => {
  const { store } = await scene();
  const one = new CheckpointNode(1, { store });
  const why = 'of what format the state of this slot is was not told by the manager';
  await expect(one.slot.restore(place(1), signal, from)).rejects.toThrow(why);
  expect(await one.slot.others(signal)).toMatchObject([{ slot: OLD, misfit: why }]);
});

test('a store that comes back empty is told anew whose the checkpoints are', async () => {
  const { one, path } = await scene();
  expect(await one.take(FIRST, null)).toBe('taken');
  await covered(one);
  const labels = () => readdirSync(`${path}/${SLOT}`).filter((name) => name.startsWith('label'));
  expect(labels()).toHaveLength(1);
  rmSync(`${path}/${SLOT}`, { recursive: true });
  await one.slot.checkpoint(true);
  await one.source.set({ a: '1' });
  await vi.waitUntil(() => labels().length === 1, { timeout: 20_000 });
});
