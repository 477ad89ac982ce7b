// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { epochOf, formatEpoch, functionId, nodeId, slotId } from '../src/identity.ts';

test('an epoch is the generation above the round, and people see both', () => {
  expect(formatEpoch(7)).toBe('7');
  expect(formatEpoch(epochOf(1, 9))).toBe('1.9');
  expect(formatEpoch(epochOf(3, 0))).toBe('3.0');
  expect(epochOf(1, 0)).toBeGreaterThan(epochOf(0, 2 ** 40 - 1));
  expect(Number.isSafeInteger(epochOf(2 ** 13 - 1, 2 ** 40 - 1))).toBe(true);
});

test.each([
  ['node id', () => nodeId(-1)],
  ['function id', () => functionId(2 ** 32)],
  ['slot id', () => slotId('XYZ')],
])('a %s out of its range is refused', (_name, make) => {
  expect(make).toThrow(RangeError);
});
