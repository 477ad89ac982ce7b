// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  endsOf,
  HORIZONS_MAX,
  type Horizons,
  horizonOf,
  leave,
  makeAhead,
  NO_HORIZONS,
  renew,
} from '../../src/fence/horizons.ts';

const LEAST_MS = 8;
const endOf = (horizons: Horizons, slot: string): number =>
  horizons.horizons.get(horizonOf(horizons, slot))?.endMs ?? Number.NEGATIVE_INFINITY;

test('whatever is renewed and left, none is open beyond its lease, and horizons stay few', () => {
  const step = fc.record({
    passMs: fc.double({ min: 0, max: 400, noNaN: true }),
    renewed: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -10, max: 5000 }))),
    leaving: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
    expectedMs: fc.option(fc.integer({ min: -10, max: 5000 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let now = NO_HORIZONS;
      let atMs = 0;
      const leases = new Map<string, number>();
      for (const { passMs, renewed, leaving, expectedMs } of steps) {
        if (expectedMs !== null) now = makeAhead(now, atMs + expectedMs, atMs, LEAST_MS);
        atMs += passMs;
        const ends = new Map(renewed.map(([slot, leftMs]) => [`s${slot}`, atMs + leftMs]));
        now = renew(now, ends, atMs, LEAST_MS);
        for (const [slot, untilMs] of ends) leases.set(slot, untilMs);
        now = leave(
          now,
          leaving.map((slot) => `s${slot}`),
        );
        for (const slot of leaving) leases.delete(`s${slot}`);
        for (const slot of now.slots.keys()) {
          expect(endOf(now, slot)).toBeLessThanOrEqual(leases.get(slot) ?? Number.NEGATIVE_INFINITY);
          expect(horizonOf(now, slot)).toBeGreaterThanOrEqual(1);
          expect(horizonOf(now, slot)).toBeLessThanOrEqual(HORIZONS_MAX);
        }
        for (const id of endsOf(now).keys()) expect(id).toBeLessThanOrEqual(HORIZONS_MAX);
        for (const [id] of now.horizons)
          expect([...now.slots.values()].some(({ horizon }) => horizon === id)).toBe(true);
      }
    }),
  );
});

test('while somebody is renewed at every third of a lease, those who are renewed too are never closed', () => {
  const fate = fc.record({
    phase: fc.integer({ min: 0, max: 99 }),
    stopsAt: fc.integer({ min: 2, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(fate, { minLength: 2, maxLength: 8 }), (fates) => {
      let now = NO_HORIZONS;
      const untilOf = new Map<string, number>();
      for (let atMs = 0; atMs < 3000; atMs++) {
        const ends = new Map<string, number>();
        for (const [index, { phase, stopsAt }] of fates.entries()) {
          const turn = Math.floor((atMs - phase) / 100);
          const isHealthy = index === 0 || turn < stopsAt;
          if (atMs >= phase && (atMs - phase) % 100 === 0 && isHealthy) ends.set(`s${index}`, atMs + 300);
        }
        if (ends.size === 0) continue;
        now = renew(now, ends, atMs, LEAST_MS);
        for (const [slot, untilMs] of ends) untilOf.set(slot, untilMs);
        // The first is renewed for ever: open until its next renewal at least.
        if (untilOf.has('s0')) expect(endOf(now, 's0')).toBeGreaterThanOrEqual(atMs + 100);
      }
    }),
    { numRuns: 50 },
  );
});
