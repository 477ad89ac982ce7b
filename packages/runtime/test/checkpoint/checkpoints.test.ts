// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import {
  CheckpointSuperseded,
  forgetCheckpoints,
  listCheckpoints,
  readCheckpoints,
} from '@vnfpool/runtime/checkpoint';
import { MemoryObjects, type ObjectDisk } from '@vnfpool/store/objects';
import { beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, flip, SLOT, stateWith, writerOf } from './slot-state.ts';

let disk: ObjectDisk = new Map();
beforeEach(() => {
  disk = new Map();
});
const read = (before?: number) => readCheckpoints(new MemoryObjects(disk), SLOT, before);
const names = (): string[] => [...(disk.get(SLOT)?.keys() ?? [])].sort();
const kinds = (): string[] => names().map((name) => name.split('-')[2] ?? '');
const change = (state: ReplicaStore, key: string, value: number): number =>
  state.update(key, Uint8Array.of(value));

describe('checkpoints', () => {
  test('of a slot that nobody wrote there is nothing', async () => {
    const kept = await read();
    expect(kept).toMatchObject({
      place: { epoch: 0 },
      node: null,
      isEnded: false,
      damaged: [],
      isNewest: true,
    });
    expect(kept.store.keys).toBe(0);
  });

  test('a full one, then what changed; nothing where nothing did', async () => {
    const state = stateWith({ a: 1, b: 2 });
    const writer = writerOf(disk, 7, state);
    expect(await writer.write()).toMatchObject({ isFull: true, sequence: 2 });
    change(state, 'a', 3);
    state.update('b', null);
    expect(await writer.write()).toMatchObject({ isFull: false, sequence: 4 });
    expect(await writer.write()).toBeNull();
    expect(kinds()).toEqual(['claim', 'start', 'delta']);
    const kept = await read();
    expect(entriesOf(kept.store)).toBe('a=3');
    expect(kept).toMatchObject({ node: 7, isEnded: false, place: { epoch: 7, number: 2 }, damaged: [] });
    expect(kept.store.sequence).toBe(4);
  });

  test('what is forgotten is gone, and whoever held the slot writes no more', async () => {
    const state = stateWith({ a: 1 });
    const writer = writerOf(disk, 7, state);
    await writer.write();
    const objects = new MemoryObjects(disk);
    await objects.create(SLOT, 'somebody-elses', Uint8Array.of(1));
    await forgetCheckpoints(objects, SLOT, () => 0);
    const claim = '9007199254740991-0000000000-claim';
    expect(names()).toEqual([claim, 'somebody-elses']);
    change(state, 'a', 2);
    await expect(writer.write()).rejects.toThrow(CheckpointSuperseded);
    await expect(writerOf(disk, 8, state).write()).rejects.toThrow(CheckpointSuperseded);
    await forgetCheckpoints(objects, SLOT, () => 0);
    expect(names()).toEqual([claim, 'somebody-elses']);
  });

  test('an empty state is one', async () => {
    await writerOf(disk, 1, new ReplicaStore()).write();
    expect(await read()).toMatchObject({ place: { epoch: 1, number: 1 }, damaged: [] });
  });

  test('a large one goes in pieces', async () => {
    const state = new ReplicaStore();
    for (let at = 0; at < 50; at++) state.update(`k${at}`, new Uint8Array(65_536).fill(at));
    await writerOf(disk, 1, state).write();
    expect(kinds()).toEqual(['claim', 'start', 'more', 'more', 'more']);
    expect(entriesOf((await read()).store)).toBe(entriesOf(state));
  });

  test('who let go says that it is all', async () => {
    const state = stateWith({ a: 1 });
    const writer = writerOf(disk, 1, state);
    await writer.write();
    change(state, 'a', 2);
    await writer.end();
    expect(await read()).toMatchObject({ isEnded: true });
    flip(disk, names().find((name) => name.endsWith('delta')) ?? '', 9, 1);
    expect(await read()).toMatchObject({ isEnded: false });
  });

  test('the next holder goes on from there, and keeps it until it has its own', async () => {
    const state = stateWith({ a: 1 });
    await writerOf(disk, 1, state).write();
    const next = writerOf(disk, 5, state);
    await next.claim();
    const kept = await read(5);
    expect(kept.place).toEqual({ epoch: 1, number: 1 });
    next.begin(kept.start);
    expect(entriesOf((await read()).store)).toBe('a=1');
    change(state, 'a', 2);
    await next.write();
    await next.write();
    expect((await read()).place).toEqual({ epoch: 5, number: 1 });
    expect(names().some((name) => name.startsWith('0000000000000001'))).toBe(true);
  });

  test('a stale holder is refused, whatever it does, and what it wrote behind the claim does not count', async () => {
    const stale = stateWith({ a: 1 });
    const former = writerOf(disk, 4, stale);
    await former.write();
    const next = writerOf(disk, 5, stateWith({ a: 1 }));
    await next.claim();
    change(stale, 'a', 9);
    await expect(former.write()).rejects.toThrow(CheckpointSuperseded);
    await expect(former.end()).rejects.toThrow('epoch 5 of the slot was claimed in the store');
    await expect(writerOf(disk, 3, stale).claim()).rejects.toThrow(CheckpointSuperseded);
    expect(entriesOf((await read()).store)).toBe('a=1');
    // One that looked before the claim, and wrote after it.
    const other: ObjectDisk = new Map();
    const late = writerOf(other, 4, stale);
    await late.write();
    for (const [name, octets] of other.get(SLOT) ?? [])
      disk.get(SLOT)?.set(name.replace('0000000001', '0000000002'), octets);
    expect(entriesOf((await read()).store)).toBe('a=1');
  });

  test('two that write under one epoch: the second stops', async () => {
    await writerOf(disk, 4, stateWith({ a: 1 })).write();
    await expect(writerOf(disk, 4, stateWith({ a: 2 })).write()).rejects.toThrow('somebody else writes');
    expect(entriesOf((await read()).store)).toBe('a=1');
  });

  test('when the newest is damaged the one before is taken, and what is lost is told', async () => {
    const state = stateWith({ a: 1 });
    const writer = writerOf(disk, 1, state);
    for (let value = 2; value < 12; value++) {
      await writer.write();
      change(state, 'a', value);
    }
    await writer.write();
    const full = names().findLast((name) => name.endsWith('start')) ?? '';
    const whole = await read();
    expect(entriesOf(whole.store)).toBe('a=11');
    flip(disk, full, 40, 3);
    const kept = await read();
    expect(kept.damaged).toEqual([expect.stringContaining(full)]);
    expect(kept.place.epoch).toBe(1);
    expect(kept.isNewest).toBe(false);
    expect(kept.store.keys).toBe(1);
  });

  test('no octet of an object can be another without being found', async () => {
    await writerOf(disk, 1, stateWith({ a: 1 })).write();
    for (const name of names())
      for (let at = 0; at < (disk.get(SLOT)?.get(name)?.length ?? 0); at++) {
        flip(disk, name, at, at & 7);
        expect((await read()).damaged, `${name} at ${at}`).toHaveLength(1);
        flip(disk, name, at, at & 7);
      }
    expect((await read()).damaged).toEqual([]);
  });

  test('a claim that cannot be read does not hide what was before it', async () => {
    await writerOf(disk, 1, stateWith({ a: 1 })).write();
    await writerOf(disk, 2, stateWith({ a: 1 })).claim();
    flip(disk, names().at(-1) ?? '', 12, 0);
    const kept = await read();
    expect(entriesOf(kept.store)).toBe('a=1');
    expect(kept).toMatchObject({ node: null, damaged: [expect.stringContaining('claim')] });
  });

  test('a store that lost its data gets all of it again', async () => {
    const state = stateWith({ a: 1 });
    let lost = 0;
    const writer = writerOf(disk, 1, state, { onLost: () => (lost += 1) });
    await writer.write();
    change(state, 'b', 1);
    await writer.write();
    disk.get(SLOT)?.clear();
    change(state, 'c', 1);
    expect(await writer.write()).toMatchObject({ isFull: true });
    expect(lost).toBe(1);
    expect(entriesOf((await read()).store)).toBe('a=1 b=1 c=1');
  });

  test('removals that are forgotten make the next one a full one', async () => {
    const state = new ReplicaStore({ removedLeast: 1 });
    for (const key of ['a', 'b', 'c', 'd']) change(state, key, 1);
    const writer = writerOf(disk, 1, state);
    await writer.write();
    for (const key of ['a', 'b', 'c']) state.update(key, null);
    expect(await writer.write()).toMatchObject({ isFull: true });
    expect(entriesOf((await read()).store)).toBe('d=1');
  });

  test('older ones go, but for what is kept', async () => {
    const state = stateWith({ a: 0 });
    const writer = writerOf(disk, 1, state);
    for (let at = 0; at < 40; at++) {
      change(state, 'a', at);
      await writer.write();
    }
    expect(kinds().filter((kind) => kind === 'start').length).toBe(2);
    expect(names().length).toBeLessThan(12);
    expect(names()[0]).toMatch(/claim$/);
  });
});

describe('a list of what there is', () => {
  const list = () => listCheckpoints(new MemoryObjects(disk), SLOT, new AbortController().signal);

  test('of a slot that nobody wrote is empty', async () => {
    expect(await list()).toEqual([]);
  });

  test('tells of each who wrote it, when, and what it has; pieces of one are one', async () => {
    const state = new ReplicaStore();
    for (let at = 0; at < 40; at++) state.update(`k${at}`, new Uint8Array(65_536).fill(at));
    const writer = writerOf(disk, 7, state);
    const full = await writer.write();
    change(state, 'k1', 1);
    const delta = await writer.write();
    await writer.end();
    expect(await list()).toEqual([
      {
        epoch: 7,
        first: 1,
        number: 3,
        kind: 'full',
        wallMs: 7_002_000,
        node: 7,
        sequence: 40,
        octets: full?.octets,
        damage: '',
        isRestorable: false,
        keys: 40,
      },
      {
        epoch: 7,
        first: 4,
        number: 4,
        kind: 'incremental',
        wallMs: 7_005_000,
        node: 7,
        sequence: 41,
        octets: delta?.octets,
        damage: '',
        isRestorable: true,
        keys: 40,
      },
    ]);
  });

  test('tells what is damaged or missing, and which is the newest that can be restored', async () => {
    const state = stateWith({ a: 1 });
    state.update('large', new Uint8Array(600));
    const writer = writerOf(disk, 1, state);
    await writer.write();
    for (let value = 2; value < 5; value++) {
      change(state, 'a', value);
      await writer.write();
    }
    const deltas = names().filter((name) => name.endsWith('delta'));
    flip(disk, deltas[1] ?? '', 40, 2);
    const found = await list();
    expect(found.map(({ damage }) => damage !== '')).toEqual([false, false, true, false]);
    expect(found[2]).toMatchObject({ wallMs: 0, node: 0, sequence: 0 });
    expect(found.findIndex(({ isRestorable }) => isRestorable)).toBe(
      found.findIndex(({ number }) => number === (found[1]?.number ?? 0)),
    );
  });

  test('tells of one that is not whole yet, or has lost a piece', async () => {
    const state = new ReplicaStore();
    for (let at = 0; at < 50; at++) state.update(`k${at}`, new Uint8Array(65_536).fill(at));
    await writerOf(disk, 1, state).write();
    const [, , second = '', , last = ''] = names();
    const objects = disk.get(SLOT);
    const octets = objects?.get(last) ?? new Uint8Array();
    objects?.delete(last);
    expect(await list()).toMatchObject([{ damage: 'its last piece is missing', isRestorable: false }]);
    objects?.set(last, octets);
    objects?.delete(second);
    expect(await list()).toMatchObject([{ damage: 'pieces of it are missing', isRestorable: false }]);
  });

  test('ends when it is called off', async () => {
    await writerOf(disk, 1, stateWith({ a: 1 })).write();
    const over = AbortSignal.abort(new Error('enough'));
    await expect(listCheckpoints(new MemoryObjects(disk), SLOT, over)).rejects.toThrow('enough');
  });
});
