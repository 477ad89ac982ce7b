// SPDX-License-Identifier: Apache-2.0
import { type FullWorldResult, MOVE_MUTATIONS, runMovesWorld } from '@vnfpool/testkit/full-world';
import { describe, expect, test } from 'vitest';

/** A failure shows its seed and how it came to pass. */
function told(result: FullWorldResult): string {
  return result.ok ? 'ok' : `${result.violation ?? ''}\n${result.trace.join('\n')}`;
}

describe('the full world with moves', () => {
  test('keeps its promises in 5 seeds, in which instances move and moves fail', async () => {
    let moved = 0;
    let failed = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const result = await runMovesWorld(seed);
      expect(told(result)).toBe('ok');
      moved += result.moves.moved;
      failed += result.moves.failed;
    }
    expect(moved).toBeGreaterThan(5);
    expect(failed).toBeGreaterThan(0);
  });

  // A manager that began anew took an instance for moved to a node of which it had not heard; a slot stayed empty.
  test.each([3087, 5002, 5113, 5150, 7200, 7725])(
    'keeps its promises in seed %i, which once broke one',
    async (seed) => {
      expect(told(await runMovesWorld(seed))).toBe('ok');
    },
  );

  test('is the same for the same seed', async () => {
    const override = { calmAtMs: 4_000 };
    expect(await runMovesWorld(3, { override })).toEqual(await runMovesWorld(3, { override }));
  });
});

/** Each is mostly found in the first. */
const SEEDS_MAX = 20;
/** Only broken safety counts: a world that merely comes to rest late proves nothing. */
const UNSAFE = /acknowledged writes|without its state|not got its state|serves on|held its slot|fences of/;

describe('the full world with moves finds a violation for', () => {
  test.each(MOVE_MUTATIONS)('%s', async (mutation) => {
    let violation: string | undefined;
    for (let seed = 1; seed <= SEEDS_MAX && violation === undefined; seed++) {
      const found = (await runMovesWorld(seed, { mutation })).violation;
      if (found !== undefined && UNSAFE.test(found)) violation = found;
    }
    expect(violation).toBeDefined();
  });
});
