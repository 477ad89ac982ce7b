// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import {
  CheckpointSuperseded,
  forgetCheckpoints,
  listCheckpoints,
  NotRestorable,
  readCheckpoint,
  readCheckpoints,
  restoreUnheld,
} from '@vnfpool/runtime/checkpoint';
import { MemoryObjects, type ObjectDisk } from '@vnfpool/store/objects';
import { beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, FailingObjects, flip, SLOT, stateWith, writerOf } from './slot-state.ts';

let disk: ObjectDisk = new Map();
beforeEach(() => {
  disk = new Map();
});
const objects = () => new MemoryObjects(disk);
const at = (epoch: number, number: number) => readCheckpoint(objects(), SLOT, { epoch, number });
const names = (): string[] => [...(disk.get(SLOT)?.keys() ?? [])].sort();
const newest = async (): Promise<string> => entriesOf((await readCheckpoints(objects(), SLOT)).store);
const change = (state: ReplicaStore, key: string, value: number): number =>
  state.update(key, Uint8Array.of(value));
const unheld = async (epoch: number, number: number, node = 9) =>
  restoreUnheld({ objects: objects(), slot: SLOT, node, wallMs: () => 1 }, await at(epoch, number));

/** `a` is 1, then 2, then 3; one checkpoint for each, of which the first is full. */
async function three(epoch = 4) {
  const state = stateWith({ a: 1 });
  const writer = writerOf(disk, epoch, state);
  await writer.write();
  for (const value of [2, 3]) {
    change(state, 'a', value);
    await writer.write();
  }
  return { state, writer };
}

describe('a chosen checkpoint', () => {
  test('is what the state was, full or of changes', async () => {
    await three();
    expect(entriesOf(await at(4, 1))).toBe('a=1');
    expect(entriesOf(await at(4, 2))).toBe('a=2');
    expect(entriesOf(await at(4, 3))).toBe('a=3');
  });

  test('that is gone, or builds upon what is damaged, is refused with its name', async () => {
    await three();
    await expect(at(4, 7)).rejects.toThrow(new NotRestorable('there is no checkpoint 4/7 in the store'));
    await expect(at(3, 1)).rejects.toThrow('there is no checkpoint 3/1');
    // A claim is none.
    await expect(at(4, 0)).rejects.toThrow('there is no checkpoint 4/0');
    flip(disk, names().find((name) => name.includes('0002-delta')) ?? '', 40, 2);
    await expect(at(4, 2)).rejects.toThrow(/checkpoint 4\/2 is not whole: .*0000000002-delta/);
    await expect(at(4, 3)).rejects.toThrow(NotRestorable);
    expect(entriesOf(await at(4, 1))).toBe('a=1');
  });

  test('becomes the newest by its holder, behind all that this has; no changes follow', async () => {
    const { state, writer } = await three();
    change(state, 'a', 4);
    const written = await writer.restore(await at(4, 1));
    expect(written).toMatchObject({ isFull: true, sequence: 5 });
    expect(await newest()).toBe('a=1');
    await writer.end();
    expect(await readCheckpoints(objects(), SLOT)).toMatchObject({ isEnded: true, damaged: [], lostMs: 0 });
    // What the holder had is there, too, and can be gone back to.
    expect(entriesOf(await at(4, 4))).toBe('a=4');
    expect(await listCheckpoints(objects(), SLOT, new AbortController().signal)).toMatchObject([
      { number: 1 },
      { number: 2 },
      { number: 3 },
      { number: 4, sequence: 4, isRestorable: false },
      { number: 5, kind: 'full', sequence: 5, isRestorable: true },
    ]);
  });

  test('that the store does not take changes nothing: the next one has all that the holder has', async () => {
    for (const isThrough of [false, true]) {
      for (let calls = 0; calls < 3; calls++) {
        disk = new Map();
        const failing = new FailingObjects(disk, 100, false);
        const state = stateWith({ a: 1 });
        const writer = writerOf(disk, 4, state, { objects: failing });
        await writer.write();
        change(state, 'a', 2);
        const chosen = await at(4, 1);
        const broken = new FailingObjects(disk, calls, isThrough);
        failing.create = broken.create.bind(broken);
        const outcome = await writer.restore(chosen).catch((error: Error) => error.name);
        if (typeof outcome !== 'string') continue;
        expect(outcome).toBe('ObjectStoreError');
        broken.heal();
        change(state, 'a', 3);
        expect(await writer.write()).not.toBeNull();
        expect(await newest()).toBe('a=3');
      }
    }
  });
});

describe('where nobody holds the slot', () => {
  test('it becomes the newest, and whoever takes the slot next begins with it', async () => {
    await three();
    const restored = await unheld(4, 2);
    expect(restored).toMatchObject({ epoch: 4, number: 4, sequence: 4, keys: 1 });
    expect(await newest()).toBe('a=2');
    const next = writerOf(disk, 8, stateWith({}));
    await next.claim();
    const kept = await readCheckpoints(objects(), SLOT, 8);
    expect([entriesOf(kept.store), kept.isEnded, kept.damaged, kept.node]).toEqual(['a=2', true, [], 4]);
  });

  test('also in pieces, and behind an epoch that was claimed and has nothing', async () => {
    const state = stateWith({});
    for (let key = 0; key < 40; key++) state.update(`k${key}`, new Uint8Array(65_536).fill(key));
    const writer = writerOf(disk, 4, state);
    await writer.write();
    state.update('k0', null);
    await writer.write();
    await writerOf(disk, 6, stateWith({})).claim();
    const restored = await unheld(4, 3);
    expect(restored).toMatchObject({ epoch: 6, keys: 40 });
    expect((await readCheckpoints(objects(), SLOT)).store.keys).toBe(40);
  });

  test('a holder that was taken for gone is refused by the store from then on', async () => {
    const { state, writer } = await three();
    await unheld(4, 1);
    change(state, 'a', 9);
    await expect(writer.write()).rejects.toThrow(CheckpointSuperseded);
    expect(await newest()).toBe('a=1');
  });

  test('whoever takes the slot just then without it is told of', async () => {
    await three();
    const chosen = await at(4, 1);
    const racing = objects();
    const create = racing.create.bind(racing);
    racing.create = async (...args) => {
      // The slot is taken between the look and the first object.
      if (args[1].includes('0000000004-start')) await writerOf(disk, 5, stateWith({ a: 3 })).claim();
      return create(...args);
    };
    const claiming = { objects: racing, slot: SLOT, node: 9, wallMs: () => 1 };
    await expect(restoreUnheld(claiming, chosen)).rejects.toThrow('taken at the same time, under epoch 5');
    expect(entriesOf((await readCheckpoints(objects(), SLOT, 5)).store)).toBe('a=1');
  });

  test('a holder that writes just then is told of', async () => {
    const state = stateWith({ a: 1 });
    state.update('large', new Uint8Array(600));
    const writer = writerOf(disk, 4, state);
    for (let value = 1; value < 4; value++) {
      await writer.write();
      change(state, 'a', value);
    }
    const chosen = await at(4, 1);
    const racing = objects();
    const create = racing.create.bind(racing);
    racing.create = async (...args) => {
      if (args[1].includes('0000000004-start')) {
        change(state, 'a', 9);
        await writer.write();
      }
      return create(...args);
    };
    const claiming = { objects: racing, slot: SLOT, node: 9, wallMs: () => 1 };
    await expect(restoreUnheld(claiming, chosen)).rejects.toThrow('somebody else writes under epoch 4');
    await expect(writer.write()).rejects.toThrow(CheckpointSuperseded);
  });

  test('of a slot that was forgotten there is nothing', async () => {
    await three();
    const chosen = await at(4, 1);
    await forgetCheckpoints(objects(), SLOT, () => 0);
    const claiming = { objects: objects(), slot: SLOT, node: 9, wallMs: () => 1 };
    await expect(restoreUnheld(claiming, chosen)).rejects.toThrow('nothing of the slot any more');
  });
});

describe('how many are kept', () => {
  const fulls = (): string[] => names().filter((name) => name.endsWith('start'));

  test('as many as is said, with those behind them', async () => {
    const state = stateWith({ a: 0 });
    const writer = writerOf(disk, 1, state, { keepFull: 5 });
    for (let value = 0; value < 60; value++) {
      change(state, 'a', value);
      await writer.write();
    }
    expect(fulls()).toHaveLength(5);
    const [oldest = ''] = fulls();
    expect(entriesOf(await at(1, Number(oldest.split('-')[1])))).toMatch(/^a=/);
  });

  test('those of epochs before count as well: none too few, and none too many', async () => {
    let state = stateWith({ a: 0 });
    for (let epoch = 1; epoch <= 12; epoch++) {
      const writer = writerOf(disk, epoch, state, { keepFull: 4 });
      await writer.claim();
      const kept = await readCheckpoints(objects(), SLOT, epoch);
      writer.begin(kept.start);
      if (epoch > 1) state = kept.store;
      await writerWith(writer, state, epoch);
      expect(fulls()).toHaveLength(Math.min(epoch, 4));
    }
    expect(await newest()).toBe('a=0');
  });

  test('fewer from now on: what is too many goes, though nothing new is written', async () => {
    const state = stateWith({ a: 0 });
    const writer = writerOf(disk, 1, state, { keepFull: 10 });
    for (let value = 0; value < 60; value++) {
      change(state, 'a', value);
      await writer.write();
    }
    await writer.write();
    expect(fulls()).toHaveLength(10);
    writer.keep(3);
    expect(await writer.write()).toBeNull();
    expect(fulls()).toHaveLength(3);
    expect(await newest()).toBe('a=59');
  });
});

/** One full checkpoint of the epoch. */
async function writerWith(
  writer: ReturnType<typeof writerOf>,
  state: ReplicaStore,
  epoch: number,
): Promise<void> {
  expect(state.keys, `epoch ${epoch}`).toBe(1);
  expect(await writer.write()).toMatchObject({ isFull: true });
}
