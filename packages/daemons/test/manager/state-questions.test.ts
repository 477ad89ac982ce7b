// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import type { RecordingMessage } from '@vnfpool/core/management';
import { RECORDED_UPDATES_MAX, type RecordedUpdate, type StateAnswer } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { ApiError } from '../../src/management-api/index.ts';
import { type StateQuestion, StateQuestions } from '../../src/manager/state-questions.ts';

const A = nodeId(1);
const RECORDING = { pool: 'kv', slot: 0, forMs: 1_000, octetsMax: 4_096 };

/** A node that gives these answers one after the other, the last one for ever; a text is a refusal. */
function asked(answers: readonly (Partial<StateAnswer> | string | null)[], stepMs = 0) {
  const questions: StateQuestion[] = [];
  let nowMs = 0;
  const state = new StateQuestions({
    ask: (question) => {
      questions.push(question);
      const answer = answers[Math.min(questions.length, answers.length) - 1] ?? null;
      if (typeof answer === 'string') return Promise.reject(new ApiError(409, 'not-ready', answer));
      const whole = answer && { v: 1 as const, id: question.id, isOver: false, fault: '', ...answer };
      return Promise.resolve({ node: A, answer: whole });
    },
    newId: () => '00000000000000a1',
    nodeName: (id) => (id === 1 ? 'node-a' : null),
    nowMs: () => (nowMs += stepMs),
  });
  return { state, questions };
}

const part = (updates: readonly RecordedUpdate[], end: '' | 'time' = '') => ({
  recording: { updates, elapsedMs: 10, end },
});

async function told(messages: AsyncIterable<RecordingMessage>): Promise<RecordingMessage[]> {
  const all: RecordingMessage[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

const made = { kind: 'full', epoch: 1, number: 2, sequence: 3, keys: 4, octets: 5, tookMs: 6 } as const;

test('a checkpoint is asked about until it is there, and always the node that was asked first', async () => {
  const { state, questions } = asked([{}, null, { isOver: true, made }]);
  expect(await state.checkpoint({ pool: 'kv', slot: 1, full: true })).toEqual({ ...made, node: 'node-a' });
  expect(questions.map(({ node }) => node)).toEqual([undefined, A, A]);
  expect(new Set(questions.map(({ id }) => id)).size).toBe(1);
  expect(questions[0]).toMatchObject({
    pool: 'kv',
    index: 1,
    task: { task: 'checkpoint', isFull: true },
    from: 0,
    stop: false,
  });
});

test('what a node cannot do is told with its name', async () => {
  const { state } = asked([{}, { isOver: true, fault: 'disk full' }]);
  await expect(state.checkpoint({ pool: 'kv', slot: 0 })).rejects.toThrow('node-a: disk full');
});

test('what takes too long is called off, and said to', async () => {
  const { state, questions } = asked([{}], 20_000);
  await expect(state.checkpoint({ pool: 'kv', slot: 0 })).rejects.toThrow('not over after 25 s');
  expect(questions.at(-1)?.stop).toBe(true);
});

test('a list is put together of its parts; what cannot be read has no time, writer and update', async () => {
  const whole = { epoch: 1, first: 1, number: 1, kind: 'full', octets: 9 } as const;
  const good = { ...whole, wallMs: 5, node: 1, sequence: 8, damage: '', isRestorable: true };
  const bad = { ...whole, wallMs: 0, node: 0, sequence: 0, damage: 'broken', isRestorable: false };
  const { state, questions } = asked([
    { isOver: true, found: [good], hasMore: true },
    {},
    { isOver: true, found: [bad, { ...good, node: 7, sequence: 0 }], hasMore: false },
  ]);
  const of = { pool: 'kv', slot: 0 };
  expect(await state.checkpoints('kv', 0)).toEqual([
    { ...of, ...whole, writtenAt: 5, node: 'node-a', sequence: 8, damage: null, isRestorable: true },
    { ...of, ...whole, writtenAt: null, node: null, sequence: null, damage: 'broken', isRestorable: false },
    { ...of, ...whole, writtenAt: 5, node: 'node 7', sequence: 0, damage: null, isRestorable: true },
  ]);
  expect(questions.map(({ from }) => from)).toEqual([0, 1, 1]);
});

test('a recording is fetched from behind what is there; a full answer is followed at once', async () => {
  const full = Array.from({ length: RECORDED_UPDATES_MAX }, (): RecordedUpdate => [1, 1, 8]);
  const { state, questions } = asked([part([]), part(full), null, part([[2, 1, -1]], 'time')]);
  const messages = await told(await state.record(RECORDING, new AbortController().signal));
  expect(questions.map(({ from, stop }) => [from, stop])).toEqual([
    [0, false],
    [0, false],
    [RECORDED_UPDATES_MAX, false],
    [RECORDED_UPDATES_MAX, false],
  ]);
  expect(messages.map(({ kind }) => kind)).toEqual(['updates', 'updates', 'end']);
  expect(messages.at(-2)?.data).toEqual([{ at: 2, key: '1', value: null }]);
  expect(messages.at(-1)?.data).toEqual({
    updates: RECORDED_UPDATES_MAX + 1,
    elapsedMs: 10,
    why: 'time',
    reason: '',
  });
});

test('a recording that cannot begin does not; one that breaks later keeps what it has, and says why', async () => {
  const { state } = asked(['Nobody holds slot 0 of kv.']);
  await expect(state.record(RECORDING, new AbortController().signal)).rejects.toThrow('Nobody holds');
  const broken = asked([part([[1, 1, 8]]), 'The node that was asked first cannot be reached any more.']);
  const messages = await told(await broken.state.record(RECORDING, new AbortController().signal));
  expect(messages.at(-1)).toMatchObject({
    kind: 'end',
    data: { updates: 1, why: 'failed', reason: expect.stringContaining('cannot be reached') },
  });
});

test('progress is told once a second, and who leaves ends it at the node', async () => {
  const { state, questions } = asked([part([])], 600);
  const leaving = new AbortController();
  const kinds: string[] = [];
  for await (const { kind } of await state.record(RECORDING, leaving.signal)) {
    kinds.push(kind);
    if (kinds.length === 2) leaving.abort();
  }
  expect(kinds).toEqual(['progress', 'progress']);
  expect(questions.at(-1)?.stop).toBe(true);
});

test('a slot begins anew: what was written for it is told, or why not', async () => {
  const { state, questions } = asked([{}, { isOver: true, made }]);
  const request = { pool: 'kv', slot: 1, epoch: 7, number: 3 };
  const { kind: _, ...rest } = made;
  expect(await state.restore(request)).toEqual({ ...rest, node: 'node-a' });
  expect(questions[0]).toMatchObject({ index: 1, task: { task: 'restore', epoch: 7, number: 3 } });
  const refused = asked([{ isOver: true, fault: 'there is no checkpoint 7/3 in the store' }]);
  await expect(refused.state.restore(request)).rejects.toThrow('node-a: there is no checkpoint 7/3');
});

test('a checkpoint of another slot is asked for with its id', async () => {
  const { state, questions } = asked([{ isOver: true, made }]);
  const request = { pool: 'kv', slot: 1, epoch: 7, number: 3, from: '00000000000000c1' };
  expect(await state.restore(request)).toMatchObject({ node: 'node-a' });
  await state.restore({ ...request, format: 'kv/1' });
  const task = { task: 'restore-from', source: '00000000000000c1', epoch: 7, number: 3 };
  expect(questions.map((question) => question.task)).toEqual([task, { ...task, format: 'kv/1' }]);
});

test('what the store has of another slot is of nodes with numbers that may be those of others', async () => {
  const found = { epoch: 1, first: 1, number: 1, kind: 'full', octets: 9, wallMs: 5, node: 1 } as const;
  const { state, questions } = asked([
    { isOver: true, found: [{ ...found, sequence: 8, damage: '', isRestorable: true, keys: 2 }] },
  ]);
  expect(await state.checkpoints('kv', 0, '00000000000000c1')).toMatchObject([
    { from: '00000000000000c1', node: 'node 1', keys: 2 },
  ]);
  expect(questions[0]?.task).toEqual({ task: 'list-from', source: '00000000000000c1' });
});

test('other slots come in parts; what the store does not say is null', async () => {
  const known = { slot: '00000000000000c1', set: 'shop', pool: 'kv', index: 0, format: 'kv/1', full: 2 };
  const newest = { epoch: 7, number: 4, wallMs: 5, keys: 0, damage: '', misfit: '' };
  const bare = { slot: '00000000000000c2', set: '', pool: '', index: 0, format: '', full: 0 };
  const none = { epoch: 0, number: 0, wallMs: 0, keys: 0, damage: 'broken', misfit: 'not said' };
  const { state, questions } = asked([
    { isOver: true, slots: [{ ...known, ...newest }], hasMore: true },
    { isOver: true, slots: [{ ...bare, ...none }], hasMore: false },
  ]);
  expect(await state.storedSlots('kv', 0, { id: undefined, format: undefined })).toEqual([
    {
      id: '00000000000000c1',
      set: 'shop',
      pool: 'kv',
      slot: 0,
      format: 'kv/1',
      full: 2,
      epoch: 7,
      number: 4,
      writtenAt: 5,
      keys: 0,
      damage: null,
      misfit: null,
    },
    {
      id: '00000000000000c2',
      set: null,
      pool: null,
      slot: null,
      format: null,
      full: 0,
      epoch: null,
      number: null,
      writtenAt: null,
      keys: null,
      damage: 'broken',
      misfit: 'not said',
    },
  ]);
  expect(questions.map(({ from }) => from)).toEqual([0, 1]);
  await state.storedSlots('kv', 0, { id: '00000000000000c2', format: 'kv/1' });
  const task = { task: 'slots', source: '00000000000000c2', format: 'kv/1' };
  expect(questions.at(-1)?.task).toEqual(task);
});
