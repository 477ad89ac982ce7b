// SPDX-License-Identifier: Apache-2.0
import { StillClock } from '@vnfpool/testkit/clocks';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import type {
  FoundCheckpoint,
  FoundSlot,
  MadeCheckpoint,
  StateOrder,
  StateTask,
} from '@vnfpool/wire/mobility';
import { expect, test, vi } from 'vitest';
import type { Recorder } from '../../../src/node/slot-state/recorder.ts';
import { type OtherSource, type SlotTasks, StateTasks } from '../../../src/node/slot-state/state-tasks.ts';

const SLOT = '00000000000000b1';
const MADE: MadeCheckpoint = {
  kind: 'full',
  epoch: 1,
  number: 2,
  sequence: 3,
  keys: 4,
  octets: 5,
  tookMs: 6,
};
const CHECKPOINT = { task: 'checkpoint', isFull: false } as const;
const RECORD = { task: 'record', forMs: 100_000, octetsMax: 10_000 } as const;

/** A slot that does what it is told when it is told. */
class FakeTasks implements SlotTasks {
  recorders: Recorder[] = [];
  signal: AbortSignal | null = null;
  settle: (made: MadeCheckpoint) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  found: readonly FoundCheckpoint[] = [];
  isHeld = true;

  checkpoint(): Promise<MadeCheckpoint> {
    return new Promise((resolve, reject) => {
      this.settle = resolve;
      this.fail = reject;
    });
  }

  checkpoints(signal: AbortSignal, source?: string): Promise<readonly FoundCheckpoint[]> {
    this.signal = signal;
    return Promise.resolve(source === undefined ? this.found : this.found.slice(0, 1));
  }

  slots: readonly FoundSlot[] = [];
  others(signal: AbortSignal, { source }: Partial<OtherSource> = {}): Promise<readonly FoundSlot[]> {
    this.signal = signal;
    return Promise.resolve(this.slots.filter(({ slot }) => source === undefined || slot === source));
  }

  restored: unknown = null;
  restore(place: CheckpointPlace, signal: AbortSignal, from?: OtherSource): Promise<MadeCheckpoint> {
    this.restored = from === undefined ? place : { ...place, source: from.source, format: from.format };
    this.signal = signal;
    return this.checkpoint();
  }

  record(recorder: Recorder): void {
    if (!this.isHeld) throw new Error('the slot is not held here');
    this.recorders.push(recorder);
  }
}

function node() {
  const clock = new StillClock();
  const slot = new FakeTasks();
  const forgotten: string[] = [];
  const tasks = new StateTasks(
    clock,
    (id) => (id === SLOT ? slot : undefined),
    ({ slot: of, method, store }) => {
      if (store === 'redis://gone') return Promise.reject(new Error('the store does not answer'));
      forgotten.push(`${of} ${method} ${store}`);
      return Promise.resolve();
    },
  );
  const ask = (task: StateTask, more: Partial<StateOrder> = {}) =>
    tasks.answer({
      v: 1,
      id: '00000000000000a1',
      slot: SLOT,
      from: 0,
      stop: false,
      ...task,
      ...more,
    } as StateOrder);
  return { clock, slot, tasks, ask, forgotten };
}

const idOf = (number: number): string => number.toString(16).padStart(16, '0');

test('a checkpoint is begun once, and told when it is there', async () => {
  const { slot, ask } = node();
  const begin = vi.spyOn(slot, 'checkpoint');
  expect(ask(CHECKPOINT)).toEqual({ v: 1, id: '00000000000000a1', isOver: false, fault: '' });
  expect(ask(CHECKPOINT)).toMatchObject({ isOver: false });
  slot.settle(MADE);
  await vi.waitUntil(() => ask(CHECKPOINT).isOver);
  expect(ask(CHECKPOINT)).toMatchObject({ isOver: true, fault: '', made: MADE });
  expect(begin).toHaveBeenCalledOnce();
});

test('what fails says why', async () => {
  const { slot, ask } = node();
  ask(CHECKPOINT);
  slot.fail(new Error('x'.repeat(1_000)));
  await vi.waitUntil(() => ask(CHECKPOINT).isOver);
  expect(ask(CHECKPOINT).fault).toBe('x'.repeat(200));
  slot.isHeld = false;
  expect(ask(RECORD, { id: idOf(2) })).toMatchObject({ isOver: true, fault: 'the slot is not held here' });
  expect(ask(CHECKPOINT, { id: idOf(3), slot: idOf(9) })).toMatchObject({
    isOver: true,
    fault: 'no state of the slot is shared here',
  });
});

test('a list comes in parts', async () => {
  const { slot, ask } = node();
  const one = { epoch: 1, first: 1, kind: 'full', wallMs: 0, node: 1, sequence: 1, octets: 1 } as const;
  slot.found = Array.from({ length: 40 }, (_, number) => ({
    ...one,
    number,
    damage: '',
    isRestorable: false,
  }));
  await vi.waitUntil(() => ask({ task: 'list' }).isOver);
  const first = ask({ task: 'list' });
  const rest = ask({ task: 'list' }, { from: 32 });
  expect([first.found?.length, first.hasMore, rest.hasMore]).toEqual([32, true, false]);
  expect(rest.found?.map(({ number }) => number)).toEqual([32, 33, 34, 35, 36, 37, 38, 39]);
});

test('other slots come in parts, all or one, and so do the checkpoints of one', async () => {
  const { slot, ask } = node();
  const one = { set: '', pool: '', index: 0, format: '', full: 1, epoch: 1, number: 1, wallMs: 0, keys: 1 };
  slot.slots = Array.from({ length: 14 }, (_, at) => ({ ...one, slot: idOf(at), damage: '', misfit: '' }));
  await vi.waitUntil(() => ask({ task: 'slots' }).isOver);
  const first = ask({ task: 'slots' });
  const rest = ask({ task: 'slots' }, { from: 12 });
  expect([first.slots?.length, first.hasMore, rest.slots?.length, rest.hasMore]).toEqual([
    12,
    true,
    2,
    false,
  ]);
  const single = { task: 'slots', source: idOf(13) } as const;
  await vi.waitUntil(() => ask(single, { id: idOf(2) }).isOver);
  expect(ask(single, { id: idOf(2) }).slots).toEqual([slot.slots[13]]);
  const found = { epoch: 1, first: 1, kind: 'full', wallMs: 0, node: 1, sequence: 1, octets: 1 } as const;
  slot.found = [1, 2].map((number) => ({ ...found, number, damage: '', isRestorable: false }));
  const list = { task: 'list-from', source: idOf(13) } as const;
  await vi.waitUntil(() => ask(list, { id: idOf(3) }).isOver);
  expect(ask(list, { id: idOf(3) }).found).toEqual([slot.found[0]]);
});

test('a checkpoint of another slot is asked for with its id, and its format as it is said', async () => {
  const { slot, ask } = node();
  const order = { task: 'restore-from', source: idOf(13), epoch: 7, number: 3, format: 'kv/1' } as const;
  ask(order);
  slot.settle(MADE);
  await vi.waitUntil(() => ask(order).isOver);
  expect(ask(order).made).toEqual(MADE);
  expect(slot.restored).toEqual({ epoch: 7, number: 3, source: idOf(13), format: 'kv/1' });
});

test('a recording goes on while somebody asks, and ends when nobody does', () => {
  const { clock, slot, ask } = node();
  expect(ask(RECORD)).toMatchObject({ isOver: false, recording: { updates: [] } });
  const [recorder] = slot.recorders;
  for (let at = 0; at < 4; at++) {
    clock.pass(9_000);
    recorder?.take([{ key: 'a', value: null }]);
    expect(ask(RECORD, { from: at }).recording?.updates).toHaveLength(1);
  }
  expect(recorder?.isOver).toBe(false);
  clock.pass(10_000);
  expect(recorder?.isOver).toBe(true);
  expect(ask(RECORD, { from: 4 })).toMatchObject({
    isOver: true,
    fault: expect.stringContaining('nothing is known of it any more'),
  });
  expect(slot.recorders).toHaveLength(1);
});

test('a recording that is stopped still gives what it has', () => {
  const { slot, ask } = node();
  ask(RECORD);
  slot.recorders[0]?.take([{ key: 'a', value: new Uint8Array(3) }]);
  expect(ask(RECORD, { stop: true })).toMatchObject({
    isOver: true,
    recording: { updates: [[0, 1, 3]], end: 'stopped' },
  });
  expect(ask(RECORD, { id: idOf(5), stop: true }).isOver).toBe(true);
  expect(slot.recorders).toHaveLength(1);
});

test('so many are under way at a time, and those that are over make room', () => {
  const { slot, tasks, ask } = node();
  for (let number = 1; number <= 8; number++) expect(ask(RECORD, { id: idOf(number) }).fault).toBe('');
  expect(ask(RECORD, { id: idOf(9) }).fault).toContain('8 such tasks are under way');
  for (let number = 10; number < 100; number++) {
    ask(RECORD, { id: idOf(1), stop: true });
    slot.recorders.at(0)?.end('stopped');
    expect(ask(RECORD, { id: idOf(number) }).fault).toBe('');
    ask(RECORD, { id: idOf(number), stop: true });
  }
  tasks.close();
  expect(slot.recorders.every(({ isOver }) => isOver)).toBe(true);
});

test('what a slot that is no more has left is removed; of one that is there nothing is', async () => {
  const { ask, forgotten } = node();
  const order = { task: 'forget', method: 'shared', store: 'redis://store' } as const;
  expect(ask(order, { id: idOf(1) })).toMatchObject({
    isOver: true,
    fault: 'the slot is there: nothing of it is removed',
  });
  const gone = '00000000000000c1';
  const ended = (id: string, store: string) =>
    vi.waitFor(() => {
      const answer = ask({ ...order, store }, { id, slot: gone });
      expect(answer.isOver).toBe(true);
      return answer;
    });
  expect((await ended(idOf(2), 'redis://store')).fault).toBe('');
  expect(forgotten).toEqual([`${gone} shared redis://store`]);
  expect((await ended(idOf(3), 'redis://gone')).fault).toBe('the store does not answer');
});

test('a checkpoint to begin anew with is named, and told when it is the newest; stopped, it does not begin', async () => {
  const { slot, ask } = node();
  const restore = { task: 'restore', epoch: 7, number: 3 } as const;
  expect(ask(restore)).toMatchObject({ isOver: false });
  expect(slot.restored).toEqual({ epoch: 7, number: 3 });
  slot.settle(MADE);
  await vi.waitUntil(() => ask(restore).isOver);
  expect(ask(restore)).toMatchObject({ fault: '', made: MADE });
  ask(restore, { id: idOf(2) });
  ask(restore, { id: idOf(2), stop: true });
  expect(slot.signal?.aborted).toBe(true);
});
