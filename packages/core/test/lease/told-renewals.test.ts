// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, Renewal } from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';
import { ToldRenewals } from '../../src/lease/told-renewals.ts';
import { held, SLOT } from './harness.ts';

const OTHER = '00000000000000ff';
const some = (round: number): Renewal[] => [
  { slot: SLOT, round },
  { slot: OTHER, round },
];
const many = (serial: number, renewals: readonly Renewal[]): LeaseMessage => ({
  type: 'renew-many',
  serial,
  renewals,
});
const again = (serial: number, list: number): LeaseMessage => ({ type: 'renew-again', serial, list });

describe('a renewal by number', () => {
  test('stands for the slots that this message of the same incarnation told', () => {
    const told = new ToldRenewals();
    const first = [many(5, some(1)), many(6, some(2))];
    expect(told.whole(2, 7n, first)).toEqual(first);
    expect(told.whole(2, 7n, [again(9, 6), again(10, 5)])).toEqual([many(9, some(2)), many(10, some(1))]);
  });

  test.each([
    ['a list that was never told', 2, 7n, 9],
    ['a list of another peer', 3, 7n, 5],
    ['a list of an earlier incarnation', 2, 8n, 5],
    ['a list of a later incarnation', 2, 6n, 5],
    ['the number under which it was asked for again', 2, 7n, 6],
  ])('of %s is left out', (_what, from, incarnation, list) => {
    const told = new ToldRenewals();
    told.whole(2, 7n, [many(5, some(1))]);
    told.whole(2, 7n, [again(6, 5)]);
    const clock: LeaseMessage = { type: 'clock', wantsAnswer: true };
    expect(told.whole(from, incarnation, [again(11, list), clock])).toEqual([clock]);
  });

  test('is not undone by a message of an incarnation that is over', () => {
    const told = new ToldRenewals();
    told.whole(2, 8n, [many(5, some(2))]);
    expect(told.whole(2, 7n, [many(5, some(1))])).toEqual([many(5, some(1))]);
    expect(told.whole(2, 8n, [again(6, 5)])).toEqual([many(6, some(2))]);
  });

  test('finds the lists that were used last: there is room for 128 of a peer', () => {
    const told = new ToldRenewals();
    for (let serial = 1; serial <= 128; serial++) told.whole(2, 7n, [many(serial, some(serial))]);
    told.whole(2, 7n, [again(1000, 1)]);
    told.whole(2, 7n, [many(129, some(129))]);
    expect(told.whole(2, 7n, [again(1001, 1), again(1002, 2), again(1003, 3)])).toEqual([
      many(1001, some(1)),
      many(1003, some(3)),
    ]);
  });

  test('finds nothing of the peers beyond 1,024', () => {
    const told = new ToldRenewals();
    for (let node = 1; node <= 1025; node++) told.whole(node, 7n, [many(5, some(1))]);
    expect(told.whole(1024, 7n, [again(6, 5)])).toHaveLength(1);
    expect(told.whole(1025, 7n, [again(6, 5)])).toEqual([]);
  });
});

test('a member answers a renewal by number as the one in full, and nothing where it does not know the list', () => {
  const bench = held();
  const ask = (messages: LeaseMessage[]) =>
    bench
      .input(2, bench.datagram(1, 2, messages))
      .flatMap((output) => (output.type === 'send' ? output.messages : []));
  expect(ask([again(70, 69)])).toEqual([]);
  const inFull = ask([many(77, some(1))]);
  expect(inFull).toMatchObject([
    { type: 'refuse', slot: OTHER, serial: 77, reason: 'unknown-slot' },
    { type: 'renewed-many', serial: 77, renewed: [true, false] },
  ]);
  expect(ask([again(78, 77)])).toEqual(inFull.map((message) => ({ ...message, serial: 78 })));
});
