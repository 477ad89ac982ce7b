// SPDX-License-Identifier: Apache-2.0
import { type LeaseMessage, RENEWALS_MAX } from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';
import { Renewals } from '../../src/lease/renewals.ts';
import { held, LEASE_MS, SLOT } from './harness.ts';

const slotOf = (n: number) => n.toString(16).padStart(16, '0');

/** Renewals of node 1 in a council of three. */
function setUp() {
  const sent: { to: number; message: LeaseMessage }[] = [];
  const awaited = { is: true };
  let serial = 0;
  const renewals = new Renewals({
    council: () => ({ generation: 1, members: [1, 2, 3], majority: 2 }),
    nextSerial: () => ++serial,
    send: (to, message) => sent.push({ to, message }),
    isAwaited: () => awaited.is,
  });
  const ask = (count: number, leaseMs = LEASE_MS) => {
    const serials = Array.from({ length: count }, (_, n) =>
      renewals.add({ slot: slotOf(n), round: n + 1 }, leaseMs, 0),
    );
    renewals.flush();
    return serials;
  };
  const to = (node: number) => sent.splice(0).flatMap((each) => (each.to === node ? [each.message] : []));
  const yes = (from: number, asked: number, count: number) =>
    renewals.renewedBy(from, {
      type: 'renewed-many',
      serial: asked,
      incarnation: 1n,
      renewed: Array<boolean>(count).fill(true),
    });
  return { renewals, sent, awaited, ask, to, yes };
}

describe('renewals of one step', () => {
  test('share messages that fill a datagram, each with a serial of its own', () => {
    const { ask, to } = setUp();
    const serials = ask(RENEWALS_MAX + 2);
    expect(new Set(serials).size).toBe(2);
    const messages = to(2);
    expect(messages.map((message) => message.type === 'renew-many' && message.renewals.length)).toEqual([
      RENEWALS_MAX,
      2,
    ]);
  });

  test('share none with those of another lease length; one alone takes the short form', () => {
    const { renewals, to } = setUp();
    renewals.add({ slot: slotOf(1), round: 1 }, 300, 0);
    renewals.add({ slot: slotOf(2), round: 1 }, 24, 0);
    renewals.flush();
    expect(to(3)).toEqual([
      { type: 'renew', serial: 1, slot: slotOf(1), round: 1 },
      { type: 'renew', serial: 2, slot: slotOf(2), round: 1 },
    ]);
  });
});

describe('an answer', () => {
  test('is told slot by slot, by place', () => {
    const { renewals, ask } = setUp();
    const [serial = 0] = ask(3);
    const answer = { type: 'renewed-many', serial, incarnation: 1n } as const;
    expect(renewals.renewedBy(2, { ...answer, renewed: [true, false, true] })).toEqual([
      { slot: slotOf(0), round: 1 },
      { slot: slotOf(2), round: 3 },
    ]);
  });

  test('to what a majority has renewed already is no news, but who gave it knows the slots', () => {
    const { ask, yes, to } = setUp();
    const [serial = 0] = ask(3);
    expect(yes(1, serial, 3)).toHaveLength(3);
    expect(yes(2, serial, 3)).toHaveLength(3);
    expect(yes(3, serial, 3)).toEqual([]);
    to(3);
    ask(3);
    expect(to(3)).toMatchObject([{ type: 'renew-again', list: serial }]);
  });

  test('to nothing that is under way, or of another length, says nothing', () => {
    const { ask, yes } = setUp();
    const [serial = 0] = ask(3);
    expect(yes(2, serial + 1, 3)).toEqual([]);
    expect(yes(2, serial, 2)).toEqual([]);
    expect(yes(2, serial, 3)).toHaveLength(3);
  });
});

describe('the next renewal of the same slots', () => {
  const told = (message: LeaseMessage | undefined) => message?.type === 'renew-many';

  test('goes by number to who has confirmed all of the last one, in full to everybody else', () => {
    const { ask, to, yes, renewals } = setUp();
    const [first = 0] = ask(3);
    to(2);
    yes(2, first, 3);
    renewals.renewedBy(3, {
      type: 'renewed-many',
      serial: first,
      incarnation: 1n,
      renewed: [true, true, false],
    });
    const [second = 0] = ask(3);
    const both = ask(3);
    expect(both).not.toContain(second);
    expect(to(2)).toEqual([
      { type: 'renew-again', serial: second, list: first },
      // It has not answered the second: it may have forgotten the first.
      expect.objectContaining({ type: 'renew-many', serial: both[0] }),
    ]);
    expect(ask(3).length > 0 && told(to(3)[0])).toBe(true);
  });

  test('goes by the number of the message that told them, however often it is asked', () => {
    const { ask, to, yes } = setUp();
    const [first = 0] = ask(2);
    yes(2, first, 2);
    to(2);
    for (let round = 0; round < 5; round++) {
      const [serial = 0] = ask(2);
      expect(to(2)).toEqual([{ type: 'renew-again', serial, list: first }]);
      yes(2, serial, 2);
    }
  });

  test('is told when a slot, a round or the order is another', () => {
    const { renewals, ask, to, yes } = setUp();
    const again = (all: readonly (readonly [slot: number, round: number])[]) => {
      const [serial = 0] = ask(3);
      yes(2, serial, 3);
      to(2);
      for (const [slot, round] of all) renewals.add({ slot: slotOf(slot), round }, LEASE_MS, 0);
      renewals.flush();
      return to(2)[0]?.type;
    };
    expect(
      again([
        [0, 1],
        [1, 2],
        [2, 3],
      ]),
    ).toBe('renew-again');
    expect(
      again([
        [0, 1],
        [1, 2],
      ]),
    ).toBe('renew-many');
    expect(
      again([
        [0, 1],
        [2, 3],
        [1, 2],
      ]),
    ).toBe('renew-many');
    expect(
      again([
        [0, 1],
        [1, 2],
        [2, 4],
      ]),
    ).toBe('renew-many');
    expect(
      again([
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ]),
    ).toBe('renew-many');
  });

  test('is told when whoever was asked before is not asked any more, or the lease has passed', () => {
    const { renewals, ask, to, yes } = setUp();
    yes(2, ask(2)[0] ?? 0, 2);
    renewals.clear();
    to(2);
    yes(2, ask(2)[0] ?? 0, 2);
    expect(to(2).map(told)).toEqual([true]);
    renewals.expire(LEASE_MS);
    ask(2);
    expect(to(2).map(told)).toEqual([true]);
  });

  test('is repeated as it is', () => {
    const { renewals, ask, to, yes } = setUp();
    const [first = 0] = ask(2);
    yes(2, first, 2);
    to(2);
    const [serial = 0] = ask(2);
    renewals.expire(renewals.nextDeadline() ?? 0);
    const asked = { type: 'renew-again', serial, list: first };
    expect(to(2)).toEqual([asked, asked]);
  });

  test('of one slot takes the short form', () => {
    const { renewals, ask, to } = setUp();
    const [first = 0] = ask(1);
    renewals.confirmed(2, first);
    ask(1);
    expect(to(2).map(({ type }) => type)).toEqual(['renew', 'renew']);
  });
});

describe('a repetition', () => {
  test('is the same message, to those who have not confirmed all of it, until a majority has', () => {
    const { renewals, ask, to, yes, sent } = setUp();
    const [serial = 0] = ask(3);
    const [asked] = to(2);
    yes(1, serial, 3);
    renewals.renewedBy(2, { type: 'renewed-many', serial, incarnation: 1n, renewed: [true, true, false] });
    renewals.expire(renewals.nextDeadline() ?? 0);
    expect(sent.map((each) => each.to)).toEqual([2, 3]);
    expect(to(2)).toEqual([asked]);
    yes(3, serial, 3);
    expect(renewals.nextDeadline()).toBeUndefined();
  });

  test('ends when no hold waits for it any more, or the next renewal is due', () => {
    const { renewals, ask, awaited, sent } = setUp();
    ask(2);
    sent.length = 0;
    awaited.is = false;
    renewals.expire(LEASE_MS / 10);
    expect(sent).toEqual([]);
    awaited.is = true;
    ask(2);
    sent.length = 0;
    renewals.expire(LEASE_MS / 3);
    expect(sent).toEqual([]);
  });

  test('is forgotten with the lease', () => {
    const { renewals, ask, yes } = setUp();
    const [serial = 0] = ask(2);
    renewals.expire(LEASE_MS);
    expect(yes(2, serial, 2)).toEqual([]);
  });
});

test('a member renews what it can, and refuses the others one by one', () => {
  const bench = held();
  const renewals = [
    { slot: SLOT, round: 1 },
    { slot: slotOf(0xff), round: 1 },
  ];
  const outputs = bench.input(2, bench.datagram(1, 2, [{ type: 'renew-many', serial: 77, renewals }]));
  expect(outputs.flatMap((output) => (output.type === 'send' ? output.messages : []))).toMatchObject([
    { type: 'refuse', slot: slotOf(0xff), serial: 77, reason: 'unknown-slot' },
    { type: 'renewed-many', serial: 77, incarnation: 1n, renewed: [true, false] },
  ]);
});
