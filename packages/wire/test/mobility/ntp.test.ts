// SPDX-License-Identifier: Apache-2.0
import { ntpTimestamp, ntpToUnixMs } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

test.each([
  { at: '2026-01-01T00:00:00.500Z', timestamp: 0xed00378080000000n },
  { at: '1970-01-01T00:00:00.000Z', timestamp: 2208988800n << 32n },
  { at: '2036-02-07T06:28:15.000Z', timestamp: 0xffffffff00000000n },
  { at: '2036-02-07T06:28:17.000Z', timestamp: 0x0000000100000000n },
])('$at', ({ at, timestamp }) => {
  expect(ntpTimestamp(Date.parse(at))).toBe(timestamp);
  expect(ntpToUnixMs(timestamp)).toBe(Date.parse(at));
});

test('zero is unknown, and so is a moment outside the two eras', () => {
  expect(ntpToUnixMs(0n)).toBeUndefined();
  expect(ntpTimestamp(Date.parse('2200-01-01T00:00:00Z'))).toBe(0n);
  expect(ntpTimestamp(Number.NaN)).toBe(0n);
});
