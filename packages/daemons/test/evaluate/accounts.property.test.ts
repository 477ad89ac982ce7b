// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Asked, lagByRequest, lagOf, lossOf } from '../../src/evaluate/accounts.ts';

const opArbitrary = fc.constantFrom('write' as const, 'remove' as const, 'read' as const);
const stepsArbitrary = fc.array(
  fc.record({ key: fc.constantFrom('a', 'b', 'c'), op: opArbitrary, isAnswered: fc.boolean() }),
  { maxLength: 40 },
);

function askedOf(
  steps: readonly { readonly key: string; readonly op: Asked['op']; readonly isAnswered: boolean }[],
): Asked[] {
  return steps.map(({ key, op, isAnswered }, at) => ({
    number: at + 1,
    key,
    op,
    sentMs: at,
    answeredMs: isAnswered ? at + 0.5 : null,
    appliedMs: at,
    position: at + 1,
  }));
}

/** What somebody has who took the first so many of them. */
function stateAfter(asked: readonly Asked[], count: number): Map<string, number> {
  const state = new Map<string, number>();
  for (const { op, key, number } of asked.slice(0, count))
    if (op === 'write') state.set(key, number);
    else if (op === 'remove') state.delete(key);
  return state;
}

describe('what a kill cost', () => {
  test('who held every answer until the next holder had its change loses nothing that was let out', () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.nat(40), (steps, had) => {
        // Held: nothing behind what the next holder has was answered.
        const asked = askedOf(
          steps.map((step, at) => ({ ...step, isAnswered: step.isAnswered && at < had })),
        );
        const { letOut, keys } = lossOf(asked, stateAfter(asked, had));
        expect([letOut, keys]).toEqual([0, 0]);
      }),
    );
  });

  test('who has all loses nothing', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        const asked = askedOf(steps);
        expect(lossOf(asked, stateAfter(asked, asked.length))).toEqual({ letOut: 0, keys: 0, unanswered: 0 });
      }),
    );
  });

  test('having more never loses more, and having nothing loses every change', () => {
    fc.assert(
      fc.property(stepsArbitrary, fc.nat(40), (steps, had) => {
        // Without removals: who has not a key may have seen it go, or never have heard of it.
        const asked = askedOf(steps.filter(({ op }) => op !== 'remove'));
        const less = lossOf(asked, stateAfter(asked, had));
        const more = lossOf(asked, stateAfter(asked, had + 1));
        expect(more.letOut).toBeLessThanOrEqual(less.letOut);
        expect(more.unanswered).toBeLessThanOrEqual(less.unanswered);
        const { letOut, unanswered } = lossOf(asked, new Map());
        expect(letOut + unanswered).toBe(asked.filter(({ op }) => op === 'write').length);
      }),
    );
  });
});

describe('examples', () => {
  const asked = askedOf([
    { key: 'a', op: 'write', isAnswered: true },
    { key: 'b', op: 'write', isAnswered: true },
    { key: 'a', op: 'write', isAnswered: true },
    { key: 'b', op: 'remove', isAnswered: true },
    { key: 'a', op: 'read', isAnswered: true },
    { key: 'c', op: 'write', isAnswered: false },
  ]);

  test('nothing is there: all that is not gone anyway is lost', () => {
    expect(lossOf(asked, new Map())).toEqual({ letOut: 2, keys: 1, unanswered: 1 });
  });

  test('an old value, and one that should be gone', () => {
    const next = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    expect(lossOf(asked, next)).toEqual({ letOut: 2, keys: 2, unanswered: 1 });
  });

  test('lags: each update with the first moment from which it was safe', () => {
    const reached = [
      { atMs: 0.5, position: 1 },
      { atMs: 4, position: 4 },
    ];
    expect(lagOf(asked.slice(0, 4), reached, 0, 10)).toEqual({ ms: [0.5, 3, 2, 1], updates: [1, 1, 2, 3] });
    expect(lagOf(asked.slice(0, 4), reached, 2, 10)).toEqual({ ms: [2, 1], updates: [2, 3] });
    // The last one never came.
    expect(lagOf(asked.slice(0, 2), reached.slice(0, 1), 0, 10)).toEqual({ ms: [0.5], updates: [1, 1] });
  });

  test('lags by request: what came later of the same key stands for what was left out', () => {
    const writes = askedOf(['a', 'b', 'a', 'c'].map((key) => ({ key, op: 'write', isAnswered: true })));
    // The first of `a` was never told, `c` never came, `b` came late.
    const safe = new Map([
      [3, 2.5],
      [2, 2.75],
    ]);
    expect(lagByRequest(writes, safe, 0, 10)).toEqual({ ms: [2.5, 1.75, 0.5], updates: [1, 2, 3, 1] });
    expect(lagByRequest(writes, safe, 2, 10)).toEqual({ ms: [0.5], updates: [3, 1] });
  });
});

test('where all comes in its order, both ways to tell a lag agree', () => {
  const arrivals = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b'), lagMs: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(
    fc.property(arrivals, (given) => {
      const asked = askedOf(given.map(({ key }) => ({ key, op: 'write', isAnswered: true })));
      let beforeMs = 0;
      const reached = given.map(({ lagMs }, at) => {
        beforeMs = Math.max(beforeMs, at + lagMs);
        return { atMs: beforeMs, position: at + 1 };
      });
      const safe = new Map(reached.map(({ atMs, position }) => [position, atMs]));
      expect(lagByRequest(asked, safe, 0, 1e6)).toEqual(lagOf(asked, reached, 0, 1e6));
    }),
  );
});
