// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { NodeLeaseRecord } from '@vnfpool/core/lease';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compactLeaseRecords, openRegister, RegisterLostError } from '../../src/node/lease-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/register-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function slotRecord(slot: string, round: number): NodeLeaseRecord {
  const proposer = { node: 1, incarnation: 12345678901234567890n };
  return {
    type: 'slot',
    councilId: 1,
    slot,
    promised: { round, proposer, closed: false },
    accepted: {
      round,
      proposer,
      value: {
        holder: { node: 1, functionId: 101, functionIncarnation: 7n },
        candidates: [],
        lastResort: { rule: 'never' },
        lossMark: false,
        leaseMs: 300,
        randomId: '00000000000000ff',
      },
      released: null,
    },
    longestLeaseMs: 300,
    voice: { generation: 1, number: 1 },
  };
}

test('every start has an incarnation of its own, and records survive', () => {
  const first = openRegister(folder, null);
  first.journal.append([slotRecord('00000000000000aa', 3)]);
  first.journal.close();
  const second = openRegister(folder, null);
  expect(second.incarnation).toBe(first.incarnation + 1n);
  expect(second.journal.restored).toEqual([slotRecord('00000000000000aa', 3)]);
  second.journal.close();
});

test('whoever goes on for another process has its incarnation, and no other', () => {
  const first = openRegister(folder, null);
  first.journal.close();
  const second = openRegister(folder, first.incarnation);
  second.journal.close();
  expect(second.incarnation).toBe(first.incarnation);
  expect(() => openRegister(folder, first.incarnation - 1n)).toThrow('incarnation 0 was handed on');
  expect(openRegister(folder, null).incarnation).toBe(first.incarnation + 1n);
});

test('a node that has acted before does not act without its register', () => {
  openRegister(folder, null).journal.close();
  rmSync(`${folder}/leases`);
  expect(() => openRegister(folder, null)).toThrow(RegisterLostError);
});

test('compaction keeps the last record of each slot and of each council', () => {
  const council: NodeLeaseRecord = {
    type: 'council',
    councilId: 1,
    version: { generation: 0, number: 1, randomId: '0000000000000001' },
    members: [1, 2, 3],
    origin: { type: 'birth' },
    next: null,
    isWitness: false,
    rival: null,
  };
  const kept = compactLeaseRecords([
    slotRecord('00000000000000aa', 1),
    council,
    slotRecord('00000000000000bb', 1),
    slotRecord('00000000000000aa', 2),
    { ...council, councilId: 2 },
  ]);
  expect(kept).toEqual([
    slotRecord('00000000000000aa', 2),
    council,
    slotRecord('00000000000000bb', 1),
    { ...council, councilId: 2 },
  ]);
});
