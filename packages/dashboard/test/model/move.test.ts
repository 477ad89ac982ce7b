// SPDX-License-Identifier: Apache-2.0
import type { MoveView } from '@vnfpool/core/management';
import { expect, test } from 'vitest';
import { describeMove } from '../../src/model/move.ts';

const sending: MoveView = {
  to: 'node-d',
  startedAt: 0,
  phase: 'sending',
  bytes: 34_000_000,
  bytesTotal: 100_000_000,
  bytesPerSecond: 55_000_000,
  changePerSecond: 0,
  expectedPauseMs: 12,
  expectedEndMs: 1_200,
};

test.each([
  [{ phase: 'preparing' }, 'a copy of it is started on node-d'],
  [{ bytes: null }, 'its state goes to node-d'],
  [{}, '34 MB of 100 MB of its state are on node-d, 1200 ms left; it will stand still for about 12 ms'],
  [
    { bytes: 1_500_000, bytesTotal: null, expectedPauseMs: null, expectedEndMs: null },
    '1.5 MB of its state are on node-d',
  ],
  [{ phase: 'switching' }, 'its state is on node-d, and its slot follows'],
] as const)('%j', (change, sentence) => {
  expect(describeMove({ ...sending, ...change })).toBe(sentence);
});
