// SPDX-License-Identifier: Apache-2.0
import {
  decodeLeaseRecord,
  encodeLeaseRecord,
  LeaseRecordError,
  type NodeLeaseRecord,
} from '@vnfpool/core/lease';
import { describe, expect, test } from 'vitest';
import { held, LEASE_MS, SLOT } from './harness.ts';

test('every record that a life of three nodes wrote comes back as it was', () => {
  const bench = held([1, 2, 3], [1, 2, 3], { namesHeirs: true });
  bench.run(LEASE_MS);
  bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
  bench.run(LEASE_MS);
  const records = [...bench.disks.values()].flat().map((record) => ({ ...record, councilId: 2 }));
  expect(records.length).toBeGreaterThan(10);
  expect(records.some((record) => record.type === 'slot' && record.promised.isHeirs)).toBe(true);
  for (const record of records) expect(decodeLeaseRecord(encodeLeaseRecord(record))).toEqual(record);
});

const SOUND: NodeLeaseRecord = {
  councilId: 1,
  type: 'slot',
  slot: SLOT,
  promised: { round: 7, proposer: { node: 1, incarnation: 2n ** 63n }, closed: false },
  accepted: {
    round: 6,
    proposer: { node: 2, incarnation: 3n },
    released: 'handover',
    value: {
      holder: { node: 2, functionId: 32, functionIncarnation: 1n },
      candidates: [],
      lastResort: { rule: 'after', afterMs: 10 },
      lossMark: true,
      leaseMs: 300,
      randomId: '00000000000000ff',
    },
  },
  longestLeaseMs: 300,
  voice: { generation: 1, number: 2 },
};

describe('refuses', () => {
  const text = encodeLeaseRecord(SOUND);
  test.each([
    ['no JSON', '{'],
    ['another version', text.replace('"v":1', '"v":2')],
    ['another type', text.replace('"type":"slot"', '"type":"slit"')],
    ['a round out of range', text.replace('"round":7', '"round":1e18')],
    ['a round that is no integer', text.replace('"round":7', '"round":7.5')],
    ['an incarnation that is no number', text.replace('"incarnation":"3"', '"incarnation":3')],
    ['a missing promise', text.replace('"promised"', '"promise"')],
    ['an heir that is no truth value', text.replace('"closed":false', '"closed":false,"isHeirs":1')],
    ['a missing release state', text.replace('"released":"handover",', '')],
    ['an unknown reason', text.replace('"released":"handover"', '"released":"tired"')],
    ['a short slot', text.replace(SLOT, 'a1')],
    ['no council', text.replace('"councilId":1', '"council":1')],
    ['a negative lease', text.replace('"leaseMs":300', '"leaseMs":-1')],
  ])('%s', (_, line) => {
    expect(decodeLeaseRecord(text)).toEqual(SOUND);
    expect(() => decodeLeaseRecord(line)).toThrow(LeaseRecordError);
  });
});
