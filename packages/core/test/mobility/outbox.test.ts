// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Inbox } from '../../src/mobility/inbox.ts';
import { Outbox } from '../../src/mobility/outbox.ts';
import { nextSequence, sequenceDistance } from '../../src/mobility/sequence.ts';

test('numbers wrap without 0 and compare over the wrap', () => {
  expect(nextSequence(0)).toBe(1);
  expect(nextSequence(0xffffff)).toBe(1);
  expect(sequenceDistance(0xffffff, 1)).toBe(2);
  expect(sequenceDistance(1, 0xffffff)).toBe(-2);
});

const build = (sequence: number) => ({ type: 'error', sequence, nodes: [] }) as const;

test('at most 256 numbers are between the oldest unanswered and the newest, other numbers counted', () => {
  const outbox = new Outbox<number>(1000);
  for (let tag = 0; tag < 300; tag++) outbox.push(tag, build);
  expect(outbox.release(0)).toHaveLength(256);
  outbox.answered(2);
  expect(outbox.release(0)).toHaveLength(0);
  outbox.answered(1);
  // 1 and 2 are gone, so 3 is the oldest and two more fit.
  expect(outbox.release(0)).toHaveLength(2);
});

test('numbers are reserved in blocks before the first of them is used, over the wrap', () => {
  const reserved: number[] = [];
  const outbox = new Outbox<number>(9);
  outbox.continueAfter(0xffffff - 4095);
  outbox.reserveBy((upTo) => reserved.push(upTo));
  expect(reserved).toEqual([]);
  // 4095 numbers up to the last one, and the first.
  const block = Array.from({ length: 4096 }, () => outbox.allocate());
  expect([block[0], block.at(-1)]).toEqual([0xffffff - 4094, 1]);
  expect(reserved).toEqual([1]);
  expect(outbox.allocate()).toBe(2);
  expect(reserved).toEqual([1, 4097]);
  outbox.reserveBy(null);
  for (let used = 0; used < 9000; used++) outbox.allocate();
  expect(reserved).toHaveLength(2);
});

test('the queue has a capacity, of what waits and what is unanswered', () => {
  const outbox = new Outbox<number>(2);
  expect([outbox.push(1, build), outbox.push(2, build), outbox.push(3, build)]).toEqual([true, true, false]);
  outbox.release(0);
  expect(outbox.push(3, build)).toBe(false);
  outbox.answered(1);
  expect(outbox.push(3, build)).toBe(true);
});

test('what is sent again keeps its number and gets new time', () => {
  const outbox = new Outbox<number>(9);
  outbox.push(1, build);
  const [sent] = outbox.release(10);
  expect(outbox.deadline(5000)).toBe(5010);
  expect(outbox.resend(700)).toEqual([sent]);
  expect(outbox.deadline(5000)).toBe(5700);
});

test('the inbox remembers 1024 numbers, over the wrap, and never calls an old one new', () => {
  const inbox = new Inbox();
  const numbers: number[] = [];
  for (let i = 0, sequence = 0xfffff0; i < 3000; i++, sequence = nextSequence(sequence)) {
    numbers.push(sequence);
    expect(inbox.classify(sequence).kind).toBe('new');
    inbox.begin(sequence);
    inbox.finish({ type: 'ack', subType: 0, code: 0, sequence, nodes: [] });
  }
  const kinds = numbers.map((sequence) => inbox.classify(sequence).kind);
  expect(kinds.slice(0, 3000 - 1024).every((kind) => kind === 'stale')).toBe(true);
  expect(kinds.slice(-1024).every((kind) => kind === 'repeat')).toBe(true);
});

test('numbers out of order within the window are new once', () => {
  const inbox = new Inbox();
  inbox.begin(50);
  expect(inbox.classify(40)).toEqual({ kind: 'new' });
  inbox.begin(40);
  expect(inbox.classify(40)).toEqual({ kind: 'pending' });
});
