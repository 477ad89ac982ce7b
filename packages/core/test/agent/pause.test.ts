// SPDX-License-Identifier: Apache-2.0
import { pauseLimits } from '@vnfpool/core/agent';
import { LEASE_MS_MAX, LEASE_MS_MIN } from '@vnfpool/core/lease';
import { expect, test } from 'vitest';

test.each([
  ['fast', 24, 10, 10],
  ['a lease of 60 ms', 60, 10, 20],
  ['normal', 300, 50, 100],
  ['calm', 3_000, 100, 150],
  ['no lease', undefined, 100, 150],
] as const)('a pause is what may cost a lease: %s', (_, leaseMs, lookMs, lateMs) => {
  expect(pauseLimits(leaseMs)).toEqual({ lookMs, lateMs });
});

test('whatever the lease, a pause of more than 150 ms is one, and one of a whole lease is noticed', () => {
  for (let leaseMs = LEASE_MS_MIN; leaseMs <= LEASE_MS_MAX; leaseMs += 3) {
    const { lookMs, lateMs } = pauseLimits(leaseMs);
    expect(lateMs).toBeLessThanOrEqual(150);
    // At worst it begins just behind a look.
    expect(lookMs + lateMs).toBeLessThan(Math.max(leaseMs, 251));
    if (leaseMs < 250) expect(lookMs + lateMs).toBeLessThan(leaseMs);
  }
});
