// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '@vnfpool/runtime/driver';
import { StillClock } from '@vnfpool/testkit/clocks';
import { expect, test } from 'vitest';
import { rehearseTaking } from '../../../src/node/slot-state/rehearsal.ts';

test.each([0, 1, 6])('plays %i take-overs of a state to their end', async (takeOvers) => {
  expect(await rehearseTaking('replicate', takeOvers, systemClock())).toBe(takeOvers);
});

test('is given up when it takes too long', async () => {
  const clock = new StillClock();
  const rehearsed = rehearseTaking('replicate', 1_000_000, clock);
  clock.pass(10_000);
  expect(await rehearsed).toBeLessThan(1_000_000);
});
