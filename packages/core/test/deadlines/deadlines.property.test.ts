// SPDX-License-Identifier: Apache-2.0
import { Deadlines } from '@vnfpool/core/deadlines';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const owners = Array.from({ length: 40 }, (_, index) => ({ index }));
const owner = fc.constantFrom(...owners);
const timer = fc.constantFrom('life' as const, 'keep-alive' as const);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), owner, timer, atMs: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), owner, timer }) },
  fc.record({ do: fc.constant('clearAll' as const), owner }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), nowMs: fc.nat(50) }) },
);

test('agrees with a list that is searched each time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const deadlines = new Deadlines<{ index: number }, 'life' | 'keep-alive'>();
      let twin: { owner: object; timer: string; atMs: number }[] = [];
      for (const action of steps) {
        if (action.do === 'set') {
          deadlines.set(action.owner, action.timer, action.atMs);
          twin = twin.filter((entry) => entry.owner !== action.owner || entry.timer !== action.timer);
          twin.push({ owner: action.owner, timer: action.timer, atMs: action.atMs });
        } else if (action.do === 'clear') {
          deadlines.clear(action.owner, action.timer);
          twin = twin.filter((entry) => entry.owner !== action.owner || entry.timer !== action.timer);
        } else if (action.do === 'clearAll') {
          deadlines.clearAll(action.owner);
          twin = twin.filter((entry) => entry.owner !== action.owner);
        } else {
          const earliest = twin.toSorted((a, b) => a.atMs - b.atMs)[0];
          const expected = earliest !== undefined && earliest.atMs <= action.nowMs ? earliest : undefined;
          const taken = deadlines.take(action.nowMs);
          expect(taken?.owner).toBe(expected?.owner);
          expect(taken?.timer).toBe(expected?.timer);
          twin = twin.filter((entry) => entry !== expected);
        }
        expect(deadlines.next()).toBe(
          twin.length === 0 ? undefined : Math.min(...twin.map(({ atMs }) => atMs)),
        );
      }
    }),
    { numRuns: 300 },
  );
});
