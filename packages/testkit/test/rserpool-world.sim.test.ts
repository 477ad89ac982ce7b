// SPDX-License-Identifier: Apache-2.0
import {
  describeRun,
  type RserpoolPlan,
  type RserpoolWorldResult,
  runRserpoolWorld,
  shrunk,
} from '@vnfpool/testkit/rserpool-world';
import { describe, expect, test } from 'vitest';

/** A failure shows its seed, the faults that it takes, and how it came to pass. */
function told(seed: number, override: Partial<RserpoolPlan> = {}): RserpoolWorldResult & { told: string } {
  const result = runRserpoolWorld(seed, { override });
  if (result.ok) return { ...result, told: 'ok' };
  const least = shrunk(seed, result, { override });
  return { ...least, told: [least.violation, ...describeRun(least), ...least.trace].join('\n') };
}

describe('a scope', () => {
  test.each(['rfc', 'rsplib'] as const)(
    'of profile %s keeps its promises in 150 seeds, and is not idle',
    (profile) => {
      const done = { registrations: 0, resolved: 0, takeoversWon: 0, moved: 0, mismatches: 0 };
      for (let seed = 1; seed <= 150; seed++) {
        const result = told(seed, { profile });
        expect(result.told).toBe('ok');
        for (const what of Object.keys(done) as (keyof typeof done)[]) done[what] += result.counts[what];
      }
      expect(done.registrations).toBeGreaterThan(1_500);
      expect(done.resolved).toBeGreaterThan(3_000);
      expect(done.takeoversWon).toBeGreaterThan(20);
      expect(done.moved).toBeGreaterThan(100);
      expect(done.mismatches).toBeGreaterThan(20);
    },
  );

  test('of nine registrars keeps them', () => {
    for (let seed = 1_001; seed <= 1_010; seed++)
      expect(told(seed, { registrars: 9, faultsARound: 12 }).told).toBe('ok');
  });

  test.each(['rfc', 'rsplib'] as const)(
    'of profile %s with 1000 elements and 1000 users keeps them',
    (profile) => {
      const size = { registrars: 5, elements: 1_000, users: 1_000, pools: 8, rounds: 1, faultsARound: 2 };
      const calmer = {
        resolveEveryMs: 10_000,
        staleMs: 10_000,
        isEncoded: false,
        faultsForMs: 20_000,
        mentors: 8,
      };
      const result = told(7, { profile, ...size, ...calmer });
      expect(result.told).toBe('ok');
      expect(result.counts.registrations).toBeGreaterThanOrEqual(1_000);
    },
  );

  test.each<[number, string, Partial<RserpoolPlan>]>([
    [
      21,
      'a divided scope did not find together again',
      { registrars: 4, elements: 8, users: 2, lifeMs: 300_000 },
    ],
    [
      366,
      'a registrar that had been away and its successor gave up elements to each other',
      { profile: 'rsplib' },
    ],
    [
      25,
      'registrars that started at once did not learn of each other',
      { profile: 'rfc', registrars: 5, elements: 8, users: 2, lifeMs: 300_000, faultsARound: 9 },
    ],
    [124, 'two registrars with one identifier met by multicast only', { profile: 'rsplib' }],
  ])('keeps them in seed %i, in which once %s', (seed, _, override) => {
    expect(told(seed, override).told).toBe('ok');
  });

  test('is the same for the same seed', () => {
    const first = runRserpoolWorld(7);
    expect(runRserpoolWorld(7)).toEqual(first);
    expect(runRserpoolWorld(8).trace).not.toEqual(first.trace);
  });
});
