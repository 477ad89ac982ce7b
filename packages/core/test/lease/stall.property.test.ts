// SPDX-License-Identifier: Apache-2.0
import { FAILOVER_PROFILES } from '@vnfpool/core/lease';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bench } from './harness.ts';

/** A bench of this lease on which node 1 holds the slot. */
function heldFor(leaseMs: number): Bench {
  const bench = new Bench([1, 2, 3]);
  bench.slotOptions = { leaseMs };
  bench.startAll();
  bench.run(leaseMs, () => bench.all('fence-until', 1).length > 0);
  return bench;
}

describe.each(Object.entries(FAILOVER_PROFILES))('with leases of profile %s', (_, leaseMs) => {
  /** Up to so many leases, in thousandths: doubles would nearly all be tiny. */
  const leases = (most: number) => fc.integer({ min: 0, max: most * 1000 }).map((n) => (n * leaseMs) / 1000);

  test('a stall of the whole machine leaves the slot where it was', () => {
    fc.assert(
      fc.property(
        leases(1),
        leases(4),
        fc.shuffledSubarray([1, 2, 3], { minLength: 3 }),
        (before, stall, order) => {
          const bench = heldFor(leaseMs);
          bench.run(2 * leaseMs + before);
          bench.stall(stall, order);
          bench.run(3 * leaseMs);
          expect(new Set(bench.all('granted').map(({ node }) => node))).toEqual(new Set([1]));
          expect(bench.serving()).toEqual([1]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a standby that alone stood still accuses nobody', () => {
    fc.assert(
      fc.property(leases(1), leases(2), (before, stall) => {
        const bench = heldFor(leaseMs);
        bench.run(2 * leaseMs + before);
        bench.pause(2, stall);
        bench.run(3 * leaseMs);
        expect(bench.sent.filter(({ from, message }) => from === 2 && message.type === 'prepare')).toEqual(
          [],
        );
      }),
      { numRuns: 40 },
    );
  });
});
