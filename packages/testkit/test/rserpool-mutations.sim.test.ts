// SPDX-License-Identifier: Apache-2.0
import { RSERPOOL_MUTATIONS, runRserpoolWorld } from '@vnfpool/testkit/rserpool-world';
import { describe, expect, test } from 'vitest';

/** The rarest is found in some twenty seeds. */
const SEEDS_MAX = 60;

describe('the world of a scope finds a violation when', () => {
  test.each([...RSERPOOL_MUTATIONS])('%s', (_, { override = {}, ...mutation }) => {
    let violation: string | undefined;
    for (let seed = 1; seed <= SEEDS_MAX && violation === undefined; seed++) {
      violation = runRserpoolWorld(seed, { override, mutation }).violation;
      // What breaks without the mutation proves nothing.
      if (violation !== undefined && !runRserpoolWorld(seed, { override }).ok) violation = undefined;
    }
    expect(violation).toBeDefined();
  });
});
