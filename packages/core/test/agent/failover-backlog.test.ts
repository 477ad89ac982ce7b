// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord } from '@vnfpool/wire/mobility';
import { beforeEach, describe, expect, test } from 'vitest';
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
  backlog.managed(7n, 0);
  for (const number of [1, 2, 3]) backlog.add(record(number), 0);
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
  backlog.managed(7n, 0);
  expect(numbers(backlog.pending)).toEqual([3]);
  backlog.managed(8n, 0);
  expect(numbers(backlog.pending)).toEqual([1, 2, 3]);
  backlog.acknowledge(
    [1, 2, 3].map((number) => record(number).id),
    2_000,
  );
  expect(numbers(backlog.pending)).toEqual([]);
});

test('what a process before has kept comes first, acknowledged or not', () => {
  const next = new FailoverBacklog();
  next.add(record(4), 0);
  next.restore(backlog.all, 0);
  expect(numbers(next.pending)).toEqual([1, 2, 3, 4]);
});

describe('a node that takes very many slots', () => {
  const addAll = (first: number, last: number, nowMs: number): void => {
    for (let number = first; number <= last; number++) backlog.add(record(number), nowMs);
  };
  const range = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);

  test('tells them 64 at a time, and none is lost on the way', () => {
    addAll(4, 1_000, 2_000);
    backlog.expire(2_250);
    const told: number[] = [];
    for (let turn = 0; turn < 16; turn++) {
      const { pending } = backlog;
      expect(pending.length).toBeLessThanOrEqual(64);
      told.push(...numbers(pending));
      backlog.acknowledge(
        pending.map(({ id }) => id),
        3_000,
      );
    }
    expect(told).toEqual(range(3, 1_000));
    expect(backlog.pending).toEqual([]);
    expect(backlog.takeDropped(3_000)).toBe(0);
  });

  test('writes them to the disk together, and tells none before it is there', () => {
    addAll(4, 64, 1_000);
    expect(numbers(backlog.all)).toEqual(range(1, 64));
    addAll(65, 500, 1_001);
    expect(numbers(backlog.all)).toEqual(range(1, 64));
    expect(backlog.nextDeadline()).toBe(1_250);
    backlog.acknowledge(
      range(3, 64).map((number) => record(number).id),
      1_100,
    );
    expect(backlog.pending).toEqual([]);
    backlog.expire(1_250);
    expect(numbers(backlog.all)).toEqual(range(1, 500));
    expect(numbers(backlog.pending)).toEqual(range(65, 128));
  });

  test('keeps 4,096, those that were acknowledged go first, and says how many were dropped', () => {
    addAll(4, 4_097, 2_000);
    backlog.expire(2_250);
    expect(numbers(backlog.all)).toEqual(range(2, 4_097));
    expect(backlog.takeDropped(2_250)).toBe(0);
    addAll(4_098, 4_108, 3_000);
    backlog.expire(3_250);
    expect(numbers(backlog.all)).toEqual(range(13, 4_108));
    expect(backlog.takeDropped(3_250)).toBe(10);
    backlog.add(record(5_000), 4_000);
    expect(backlog.takeDropped(4_000)).toBe(0);
    expect(backlog.takeDropped(63_250)).toBe(1);
  });
});
