// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import {
  DamagedLabel,
  forgetCheckpoints,
  labelSlot,
  listCheckpoints,
  NotRestorable,
  otherSlots,
  readCheckpoint,
  readCheckpoints,
  readLabel,
  restoreUnheld,
  slotsIn,
} from '@vnfpool/runtime/checkpoint';
import { MemoryObjects, type ObjectDisk } from '@vnfpool/store/objects';
import { beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, flip, SLOT, stateWith, writerOf } from './slot-state.ts';

/** The slot of a set that is gone. */
const OLD = '00000000000000b2';
const { signal } = new AbortController();
const label = { slot: SLOT, set: 'shop', pool: 'kv', index: 0, format: 'kv/1' };
const oldLabel = { ...label, slot: OLD, set: 'former' };

let disk: ObjectDisk = new Map();
beforeEach(() => {
  disk = new Map();
});
const objects = () => new MemoryObjects(disk);
const names = (slot: string): string[] => [...(disk.get(slot)?.keys() ?? [])].sort();
const look = async () => otherSlots(objects(), await slotsIn(objects()), signal);

/** `a` is 1, then 2, by a holder of the old slot. */
async function old(epoch = 7): Promise<void> {
  const state = stateWith({ a: 1 });
  await labelSlot(objects(), epoch, oldLabel);
  const writer = writerOf(disk, epoch, state, { slot: OLD });
  await writer.write();
  state.update('a', Uint8Array.of(2));
  await writer.write();
  await writer.end();
}

const give = async (number: number, epoch = 7): Promise<unknown> => {
  const chosen = await readCheckpoint(objects(), OLD, { epoch, number });
  return restoreUnheld({ objects: objects(), slot: SLOT, node: 9, wallMs: () => 1 }, chosen, label);
};

describe('a label', () => {
  test('says whose the checkpoints of an epoch are, and of those behind it', async () => {
    await labelSlot(objects(), 5, label);
    expect(await readLabel(objects(), SLOT, 4)).toBeNull();
    expect(await readLabel(objects(), SLOT, 5)).toEqual(label);
    expect(await readLabel(objects(), SLOT, 99)).toEqual(label);
    expect(await readLabel(objects(), OLD, 5)).toBeNull();
  });

  test('is written where it says something new, and stays as long as a checkpoint needs it', async () => {
    const state = stateWith({ a: 1 });
    const write = async (epoch: number, format: string, isAll: boolean): Promise<void> => {
      expect(await labelSlot(objects(), epoch, { ...label, format })).toBe(true);
      const writer = writerOf(disk, epoch, state);
      if (isAll) for (let turn = 0; turn < 3; turn++) await full(writer, state);
      else await writer.write();
    };
    const labels = () => names(SLOT).filter((name) => name.startsWith('label'));
    await write(1, 'kv/1', false);
    await write(2, 'kv/1', false);
    expect(labels()).toEqual(['label-0000000000000001']);
    await write(3, 'kv/2', false);
    expect(await readLabel(objects(), SLOT, 2)).toMatchObject({ format: 'kv/1' });
    expect(await readLabel(objects(), SLOT, 3)).toMatchObject({ format: 'kv/2' });
    await write(4, 'kv/2', true);
    // Of the first format there is nothing any more.
    await write(5, 'kv/2', false);
    expect(labels()).toEqual(['label-0000000000000003']);
  });

  test('is not replaced by another one of the same epoch', async () => {
    expect(await labelSlot(objects(), 5, label)).toBe(true);
    expect(await labelSlot(objects(), 5, label)).toBe(true);
    expect(await labelSlot(objects(), 5, { ...label, format: 'kv/2' })).toBe(false);
    expect(await readLabel(objects(), SLOT, 5)).toEqual(label);
  });

  test('that is damaged, or of another slot, is told', async () => {
    await labelSlot(objects(), 5, label);
    await labelSlot(objects(), 5, oldLabel);
    disk.get(SLOT)?.set('label-0000000000000006', disk.get(OLD)?.get('label-0000000000000005') as Uint8Array);
    await expect(readLabel(objects(), SLOT, 6)).rejects.toThrow(
      new DamagedLabel("label-0000000000000006 is another slot's"),
    );
    flip(disk, 'label-0000000000000005', 20, 3);
    await expect(readLabel(objects(), SLOT, 5)).rejects.toThrow(/^label-0000000000000005: the digest/);
  });

  test('goes with what is forgotten', async () => {
    await old();
    await forgetCheckpoints(objects(), OLD, () => 0);
    expect(names(OLD)).toEqual(['9007199254740991-0000000000-claim']);
    expect(await look()).toEqual([]);
  });
});

describe('what a store has of other slots', () => {
  test('is told with whose they are and their newest; what is none of ours is passed over', async () => {
    await old();
    await writerOf(disk, 3, stateWith({ b: 1, c: 2 })).write();
    disk.set('elsewhere', new Map([['file', Uint8Array.of(1)]]));
    disk.set('00000000000000c3', new Map([['notes', Uint8Array.of(1)]]));
    expect(await look()).toEqual([
      {
        slot: SLOT,
        label: null,
        full: 1,
        newest: { epoch: 3, number: 1, wallMs: expect.any(Number), keys: 2 },
        damage: '',
      },
      {
        slot: OLD,
        label: oldLabel,
        full: 1,
        newest: { epoch: 7, number: 2, wallMs: expect.any(Number), keys: 1 },
        damage: '',
      },
    ]);
  });

  test('one whose newest is damaged is told with what is before it', async () => {
    await old();
    const newest = disk.get(OLD)?.get('0000000000000007-0000000002-delta') as Uint8Array;
    newest[9] = (newest[9] ?? 0) ^ 1;
    const damage = expect.stringMatching(/^0000000000000007-0000000002-delta: the digest is another/);
    expect(await look()).toMatchObject([{ newest: { number: 1 }, damage }]);
    const before = disk.get(OLD)?.get('0000000000000007-0000000001-start') as Uint8Array;
    before[9] = (before[9] ?? 0) ^ 1;
    expect(await look()).toMatchObject([{ label: oldLabel, newest: null, damage }]);
    await expect(readCheckpoint(objects(), OLD, { epoch: 7, number: 1 })).rejects.toThrow(NotRestorable);
  });

  test('of too many slots none is looked through', async () => {
    for (let at = 0; at <= 4_096; at++) disk.set(at.toString(16).padStart(16, '0'), new Map());
    await expect(slotsIn(objects())).rejects.toThrow('the store has 4097 slots, more than the 4096');
  });

  test('ends when nobody waits for it', async () => {
    await old();
    const gone = AbortSignal.abort(new Error('nobody waits'));
    await expect(otherSlots(objects(), [OLD], gone)).rejects.toThrow('nobody waits');
  });
});

describe('a checkpoint of another slot', () => {
  test('becomes the first of one that nobody has held, and whoever takes it reads that', async () => {
    await old();
    const before = names(OLD);
    expect(await give(2)).toMatchObject({ epoch: 1, number: 1, keys: 1 });
    expect(await readLabel(objects(), SLOT, 1)).toEqual(label);
    const epoch = 2 ** 40 + 1;
    await writerOf(disk, epoch, stateWith({}), { node: 4, wallMs: () => 5 }).claim();
    const kept = await readCheckpoints(objects(), SLOT, epoch);
    expect([entriesOf(kept.store), kept.isEnded, kept.damaged]).toEqual(['a=2', true, []]);
    expect(names(OLD)).toEqual(before);
    expect(await listCheckpoints(objects(), SLOT, signal)).toMatchObject([
      { epoch: 1, number: 1, kind: 'full', isRestorable: true, keys: 1 },
    ]);
  });

  test('becomes the newest of one that has a state, which can be gone back to', async () => {
    await old();
    await labelSlot(objects(), 9, label);
    await writerOf(disk, 9, stateWith({ b: 5 })).write();
    expect(await give(1)).toMatchObject({ epoch: 9, number: 2 });
    expect(entriesOf((await readCheckpoints(objects(), SLOT)).store)).toBe('a=1');
    expect(entriesOf(await readCheckpoint(objects(), SLOT, { epoch: 9, number: 1 }))).toBe('b=5');
  });

  test('is not put behind what is of another format', async () => {
    await old();
    await labelSlot(objects(), 9, { ...label, format: 'kv/0' });
    await writerOf(disk, 9, stateWith({ b: 5 })).write();
    const before = names(SLOT);
    await expect(give(1)).rejects.toThrow('under epoch 9 is not of the format kv/1');
    expect(names(SLOT)).toEqual(before);
  });

  test('a crash at any object leaves the state before, or the chosen one', async () => {
    for (let calls = 0; calls < 3; calls++) {
      disk = new Map();
      await old();
      await writerOf(disk, 9, stateWith({ b: 5 })).write();
      const chosen = await readCheckpoint(objects(), OLD, { epoch: 7, number: 2 });
      const crashing = objects();
      let left = calls;
      crashing.create = (...args) =>
        left-- > 0 ? objects().create(...args) : Promise.reject(new Error('the node is gone'));
      const claiming = { objects: crashing, slot: SLOT, node: 9, wallMs: () => 1 };
      await expect(restoreUnheld(claiming, chosen, label)).rejects.toThrow('the node is gone');
      const kept = await readCheckpoints(objects(), SLOT);
      expect([entriesOf(kept.store), kept.damaged]).toEqual([calls < 2 ? 'b=5' : 'a=2', []]);
    }
  });
});

async function full(writer: ReturnType<typeof writerOf>, state: ReplicaStore): Promise<void> {
  writer.writeAllNext();
  expect(await writer.write()).toMatchObject({ isFull: true });
  state.update('a', Uint8Array.of(1));
}
