// SPDX-License-Identifier: Apache-2.0
import {
  describeFailover,
  FAILOVER_PROFILES,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  leaseWithin,
  OUTAGE_MS_MIN,
  outageMs,
  outageParts,
} from '@vnfpool/core/lease';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('failover times', () => {
  test.each([
    ['fast', 24, 'fast: lease 24 ms, renewed every 8 ms; a dead node is replaced within 40 ms'],
    ['normal', 300, 'normal: lease 300 ms, renewed every 100 ms; a dead node is replaced within 348 ms'],
    ['calm', 3000, 'calm: lease 3000 ms, renewed every 1000 ms; a dead node is replaced within 3385 ms'],
  ] as const)('profile %s', (profile, leaseMs, told) => {
    expect(FAILOVER_PROFILES[profile]).toBe(leaseMs);
    expect(describeFailover({ leaseMs })).toBe(told);
  });

  test('a lease of no profile has no name, a target has its own', () => {
    expect(describeFailover({ leaseMs: 100 })).toMatch(/^lease 100 ms, renewed every 33.3 ms/);
    expect(describeFailover({ leaseMs: 168, withinMs: 200 })).toBe(
      'within 200 ms: lease 168 ms, renewed every 56 ms; a dead node is replaced within 199 ms',
    );
  });

  test('the outage is the sum of its parts', () => {
    const { leaseMs, rankMs, roundsMs, takeOverMs } = outageParts(24);
    expect(outageMs(24)).toBe(leaseMs + rankMs + roundsMs + takeOverMs);
  });

  test('a target gives the longest lease that meets it, and none below the least', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 700_000 }).map((n) => n / 10),
        (withinMs) => {
          const leaseMs = leaseWithin(withinMs);
          if (withinMs < OUTAGE_MS_MIN) return leaseMs === undefined;
          if (leaseMs === undefined || outageMs(leaseMs) > withinMs) return false;
          const isLongest = leaseMs === LEASE_MS_MAX || outageMs(leaseMs + 3) > withinMs;
          return isLongest && leaseMs >= LEASE_MS_MIN && leaseMs % 3 === 0;
        },
      ),
    );
  });
});
