// SPDX-License-Identifier: Apache-2.0
import type { SlotRecord } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';
import { Invariants, type Sending } from '../src/lease-world/invariants.ts';

const SLOT = '00000000000000a1';
const MEMBER = 2;

function record(changes: Partial<Pick<SlotRecord, 'promised' | 'accepted' | 'voice'>> = {}): SlotRecord {
  return {
    type: 'slot',
    slot: SLOT,
    promised: { round: 3, proposer: { node: 1, incarnation: 1n }, closed: false },
    accepted: accepted(0, 1),
    longestLeaseMs: 300,
    voice: { generation: 1, number: 1 },
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

const promisedTo3 = { round: 3, proposer: { node: 3, incarnation: 1n }, closed: false };
const promisedTo2 = { round: 2, proposer: { node: 1, incarnation: 1n }, closed: true };

const by = (node: number): Sending => ({ node, incarnation: 1n, council: { generation: 1 }, to: 9 });

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
  'a round goes to another with another council, if that one has it': [
    'to 1.1, then 3 to 3.1',
    (all) => {
      all.persisted(MEMBER, [record()]);
      all.persisted(MEMBER, [
        record({ promised: { ...promisedTo3, closed: true }, voice: { generation: 1, number: 2 } }),
      ]);
      all.persisted(4, [record()]);
      all.persisted(4, [
        record({ promised: promisedTo3, accepted: accepted(3, 3), voice: { generation: 1, number: 2 } }),
      ]);
      all.persisted(5, [record()]);
    },
    (all) => all.persisted(5, [record({ promised: promisedTo3, voice: { generation: 1, number: 2 } })]),
  ],
  'with another council of the generation too promised rounds only rise': [
    'to 1.1, then 2 to 1.1',
    (all) => {
      all.persisted(MEMBER, [record()]);
      // In another generation they begin again.
      all.persisted(5, [record()]);
      all.persisted(5, [record({ promised: promisedTo2, voice: { generation: 2, number: 1 } })]);
    },
    (all) => all.persisted(MEMBER, [record({ promised: promisedTo2, voice: { generation: 1, number: 2 } })]),
  ],
  'nobody votes in a council before': [
    'in a council before',
    (all) => all.persisted(MEMBER, [record({ voice: { generation: 2, number: 1 } })]),
    (all) => all.persisted(MEMBER, [record({ voice: { generation: 1, number: 7 } })]),
  ],
  'what was durable in one generation is not in the next': [
    'said promise 2.3 before it was on its disk',
    (all) => {
      all.persisted(MEMBER, [record()]);
      all.sent(by(MEMBER), answer('promise', 3));
      all.persisted(MEMBER, [
        record({
          promised: { round: 4, proposer: { node: 1, incarnation: 1n }, closed: true },
          voice: { generation: 2, number: 1 },
        }),
      ]);
    },
    (all) => all.sent(by(MEMBER), answer('promise', 3)),
  ],
  'durable before answered': [
    'before it was on its disk',
    (all) => {
      all.persisted(MEMBER, [record()]);
      all.sent(by(MEMBER), answer('promise', 3));
    },
    (all) => all.sent(by(MEMBER), answer('accepted', 3)),
  ],
  'a release is final at the member': [
    'renewed 1.3',
    (all) => {
      all.sent(by(MEMBER), answer('renewed', 3));
      all.persisted(MEMBER, [record({ accepted: { ...accepted(3, 9), released: 'operator' } })]);
    },
    (all) => all.sent(by(MEMBER), answer('renewed', 3)),
  ],
  'a release is final at the member, of many renewals too': [
    'renewed 1.3',
    (all) => {
      all.asked(9, 1n, { type: 'renew-many', serial: 7, renewals: [{ slot: SLOT, round: 3 }] });
      all.sent(by(MEMBER), { type: 'renewed-many', serial: 7, incarnation: 1n, renewed: [true] });
      all.persisted(MEMBER, [record({ accepted: { ...accepted(3, 9), released: 'operator' } })]);
      all.sent(by(MEMBER), { type: 'renewed-many', serial: 7, incarnation: 1n, renewed: [false] });
    },
    (all) => all.sent(by(MEMBER), { type: 'renewed-many', serial: 7, incarnation: 1n, renewed: [true] }),
  ],
  'a release is final at the member, for the one whose round it was': [
    'accepted 1.3 of 00000000000000a1, by 1.1, after its release',
    (all) => {
      const closed = (node: number) => ({ round: 3, proposer: { node, incarnation: 1n }, closed: true });
      all.persisted(MEMBER, [record({ promised: closed(4) })]);
      // Taken over from others, for the next council.
      const voice = { generation: 1, number: 2 };
      all.persisted(MEMBER, [record({ accepted: accepted(3, 1), voice })]);
      all.persisted(MEMBER, [record({ promised: closed(1), accepted: accepted(3, 1), voice })]);
    },
    (all) =>
      all.persisted(MEMBER, [record({ accepted: accepted(3, 1), voice: { generation: 1, number: 3 } })]),
  ],
  'a release is final at the holder': [
    'after releasing',
    (all) => {
      all.fenceOrdered(1, 1n, SLOT, EPOCH);
      all.sent(by(1), release);
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
    const all = new Invariants();
    allowed(all);
    expect(() => broken(all)).toThrow(says);
  });
});
