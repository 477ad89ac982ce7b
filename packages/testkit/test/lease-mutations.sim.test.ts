// SPDX-License-Identifier: Apache-2.0
import { LEASE_MUTATIONS, runLeaseWorld } from '@vnfpool/testkit/lease-world';
import { describe, expect, test } from 'vitest';

/** The rarest is found in some 500 seeds. */
const SEEDS_MAX = 6000;

describe('the lease world finds a violation for', () => {
  test.each([...LEASE_MUTATIONS])('%s', (name, rules) => {
    // Clocks leave the bound in few worlds.
    const override = name === 'a wrong clock relied on' ? { creep: -1.9 } : {};
    let violation: string | undefined;
    for (let seed = 1; seed <= SEEDS_MAX && violation === undefined; seed++) {
      const found = runLeaseWorld(seed, { rules, override }).violation;
      // Only broken safety counts: a world that merely comes to rest late proves nothing.
      if (found !== undefined && !/not served|events/.test(found)) violation = found;
    }
    expect(violation).toBeDefined();
  });
});
