// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord } from '@vnfpool/wire/mobility';
import { beforeEach, expect, test } from 'vitest';
import { FailoverBacklog } from '../../src/agent/failover-backlog.ts';

function record(number: number): FailoverRecord {
  return {
    id: `00000000000000aa/${number}`,
    slot: '00000000000000aa',
    epoch: String(number),
    from: 1,
    to: 2,
    cause: 'lease-expired',
    fencedBy: 'timeout',
    steps: [],
  } as unknown as FailoverRecord;
}

const numbers = (records: readonly FailoverRecord[]): number[] =>
  records.map(({ id }) => Number(id.split('/')[1]));

let backlog: FailoverBacklog;
beforeEach(() => {
  backlog = new FailoverBacklog();
  backlog.managed(7n);
  for (const number of [1, 2, 3]) backlog.add(record(number));
  backlog.acknowledge([record(1).id, record(2).id], 1_000);
});

test('what was acknowledged is told no more, and stays on the disk for a minute', () => {
  expect([numbers(backlog.pending), numbers(backlog.all)]).toEqual([[3], [1, 2, 3]]);
  expect(backlog.nextDeadline()).toBe(61_000);
  backlog.expire(60_999);
  expect(numbers(backlog.all)).toEqual([1, 2, 3]);
  backlog.expire(61_000);
  expect(numbers(backlog.all)).toEqual([3]);
  expect(backlog.nextDeadline()).toBeUndefined();
});

test('another manager, or another start of it, is told again; the same one is not', () => {
  backlog.managed(7n);
  expect(numbers(backlog.pending)).toEqual([3]);
  backlog.managed(8n);
  expect(numbers(backlog.pending)).toEqual([1, 2, 3]);
  backlog.acknowledge(
    [1, 2, 3].map((number) => record(number).id),
    2_000,
  );
  expect(numbers(backlog.pending)).toEqual([]);
});

test('what a process before has kept comes first, acknowledged or not', () => {
  const next = new FailoverBacklog();
  next.add(record(4));
  next.restore(backlog.all);
  expect(numbers(next.pending)).toEqual([1, 2, 3, 4]);
});

test('64 are kept at most, those that were acknowledged go first', () => {
  for (let number = 4; number <= 65; number++) backlog.add(record(number));
  expect(numbers(backlog.all)).toEqual([2, ...numbers(backlog.pending)]);
  for (let number = 66; number <= 80; number++) backlog.add(record(number));
  expect(numbers(backlog.all)).toEqual(Array.from({ length: 64 }, (_, index) => index + 17));
});
