// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { rehearse } from '../../src/node/lease-rehearsal.ts';

test.each([0, 1, 12])('plays %i failovers to their end, by hand-over, release and silence', (failovers) => {
  expect(rehearse(failovers)).toBe(failovers);
});
