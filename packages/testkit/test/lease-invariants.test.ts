// SPDX-License-Identifier: Apache-2.0
import type { SlotRecord } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';
import { Invariants } from '../src/lease-world/invariants.ts';

const SLOT = '00000000000000a1';
const MEMBER = 2;

function record(changes: Partial<Pick<SlotRecord, 'promised' | 'accepted'>> = {}): SlotRecord {
  return {
    type: 'slot',
    slot: SLOT,
    promised: { round: 3, proposer: { node: 1, incarnation: 1n }, closed: false },
    accepted: accepted(0, 1),
    longestLeaseMs: 300,
    ...changes,
  };
}

function accepted(round: number, node: number, randomId = '0000000000000001'): SlotRecord['accepted'] {
  const holder = { node, functionId: 16 * node, functionIncarnation: 1n };
  return {
    round,
    proposer: { node, incarnation: 1n },
    value: {
      holder,
      candidates: [],
      lastResort: { rule: 'never' },
      lossMark: false,
      leaseMs: 300,
      randomId,
    },
    released: null,
  };
}

const answer = (type: 'promise' | 'accepted' | 'renewed', round: number): LeaseMessage => {
  const base = { slot: SLOT, serial: 1, round, incarnation: 1n };
  return type === 'promise' ? { ...base, type, accepted: null, endedForMs: 0 } : { ...base, type };
};

const release: LeaseMessage = {
  type: 'release',
  slot: SLOT,
  serial: 1,
  round: 3,
  reason: 'operator',
  successor: null,
};

const EPOCH = 2 ** 40 + 3;

/** Each promise: what is still allowed, then what breaks it. */
const CASES: Record<string, [string, (all: Invariants) => void, (all: Invariants) => void]> = {
  'one open fence': [
    'open at nodes 1 and 2',
    (all) => all.fences(SLOT, [1]),
    (all) => all.fences(SLOT, [1, 2]),
  ],
  'an epoch is used once': [
    'granted twice',
    (all) => all.granted(SLOT, EPOCH, '1.1'),
    (all) => all.granted(SLOT, EPOCH, '2.1'),
  ],
  'a round has one value': [
    'two values in round',
    (all) => all.persisted(MEMBER, [record({ accepted: accepted(3, 1) })]),
    (all) => all.persisted(3, [record({ accepted: accepted(3, 1, '0000000000000002') })]),
  ],
  'promised rounds only rise': [
    'promised round 3 of',
    (all) => all.persisted(MEMBER, [record()]),
    (all) =>
      all.persisted(MEMBER, [
        record({ promised: { round: 2, proposer: { node: 1, incarnation: 1n }, closed: false } }),
      ]),
  ],
  'a round is promised to one': [
    'to 1.1, then 3 to 3.1',
    (all) => all.persisted(MEMBER, [record()]),
    (all) =>
      all.persisted(MEMBER, [
        record({ promised: { round: 3, proposer: { node: 3, incarnation: 1n }, closed: false } }),
      ]),
  ],
  'durable before answered': [
    'before it was on its disk',
    (all) => {
      all.persisted(MEMBER, [record()]);
      all.sent(MEMBER, 1n, answer('promise', 3));
    },
    (all) => all.sent(MEMBER, 1n, answer('accepted', 3)),
  ],
  'a release is final at the member': [
    'renewed round 3',
    (all) => {
      all.sent(MEMBER, 1n, answer('renewed', 3));
      all.persisted(MEMBER, [record({ accepted: { ...accepted(3, 1), released: 'operator' } })]);
    },
    (all) => all.sent(MEMBER, 1n, answer('renewed', 3)),
  ],
  'a release is final at the holder': [
    'after releasing',
    (all) => {
      all.fenceOrdered(1, 1n, SLOT, EPOCH);
      all.sent(1, 1n, release);
    },
    (all) => all.fenceOrdered(1, 1n, SLOT, EPOCH),
  ],
  'nobody takes a slot without a cause': [
    'without a cause',
    (all) => {
      all.holderIs(SLOT, 1, 10);
      all.holderIs(SLOT, 2, 20);
      all.rest();
      all.holderIs(SLOT, 2, 30);
    },
    (all) => all.holderIs(SLOT, 1, 40),
  ],
};

describe('the invariants see it when it does not hold:', () => {
  test.each(Object.entries(CASES))('%s', (_, [says, allowed, broken]) => {
    const all = new Invariants(1);
    allowed(all);
    expect(() => broken(all)).toThrow(says);
  });
});
