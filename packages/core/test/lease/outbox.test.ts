// SPDX-License-Identifier: Apache-2.0
import type { SlotRecord } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { expect, test } from 'vitest';
import { Outbox } from '../../src/lease/outbox.ts';

const record = (slot: string) => ({ type: 'slot', slot }) as SlotRecord;
const message = (type: string, slot: string) => ({ type, slot }) as LeaseMessage;

/** What an outbox gives, in short. */
function told(outbox: Outbox): string[] {
  return outbox.take().map((output) => {
    if (output.type === 'persist')
      return `write ${output.records.map((each) => (each as SlotRecord).slot).join(' ')}`;
    if (output.type !== 'send') return output.type;
    return `to ${output.to}: ${output.messages.map((each) => `${each.type} ${(each as { slot: string }).slot}`).join(', ')}`;
  });
}

test('what many slots have to write is one write, before all answers', () => {
  const outbox = new Outbox();
  for (const slot of ['a', 'b', 'c']) {
    outbox.persist(record(slot));
    outbox.send(2, message('promise', slot));
  }
  expect(told(outbox)).toEqual(['write a b c', 'to 2: promise a, promise b, promise c']);
});

test('two records of each of many slots are two writes, with what was answered in between', () => {
  const outbox = new Outbox();
  for (const slot of ['a', 'b', 'c']) {
    outbox.persist(record(slot));
    outbox.send(2, message('released', slot));
    outbox.persist(record(slot));
    outbox.send(3, message('promise', slot));
  }
  expect(told(outbox)).toEqual([
    'write a b c',
    'to 2: released a, released b, released c',
    'write a b c',
    'to 3: promise a, promise b, promise c',
  ]);
});

test('an answer that rests on no record of this step stays before a later one of its slot', () => {
  const outbox = new Outbox();
  outbox.send(2, message('renewed', 'a'));
  outbox.persist(record('b'));
  outbox.send(2, message('renewed', 'a'));
  outbox.persist(record('a'));
  expect(told(outbox)).toEqual(['to 2: renewed a', 'write b', 'to 2: renewed a', 'write a']);
});

test('an answer about many stays before every later record', () => {
  const outbox = new Outbox();
  outbox.persist(record('b'));
  outbox.send(2, { type: 'renewed-many', serial: 1, incarnation: 1n, renewed: [true] });
  outbox.persist(record('a'));
  expect(told(outbox)).toEqual(['write b', 'to 2: renewed-many undefined', 'write a']);
});

test('requests leave before the own write that follows them, and never before what they depend on', () => {
  const outbox = new Outbox();
  outbox.send(2, message('accept', 'a'));
  outbox.persist(record('a'));
  outbox.emit({ type: 'fence-close', slot: 'a', epoch: 1, reason: 'operator' });
  outbox.send(2, message('release', 'a'));
  expect(told(outbox)).toEqual(['to 2: accept a', 'write a', 'fence-close', 'to 2: release a']);
});
