// SPDX-License-Identifier: Apache-2.0
import { chosenCount, type SessionSelector, selectSessions } from '@vnfpool/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** Six decimals, as they are on the wire. */
const ratio = fc.integer({ min: 0, max: 1_000_000 }).map((millionths) => millionths / 1_000_000);
const selector: fc.Arbitrary<SessionSelector> = fc.oneof(
  fc.constant({ type: 'all' } as const),
  fc.record({ type: fc.constant('ratio' as const), ratio }),
  fc.record({ type: fc.constant('count' as const), count: fc.nat(300) }),
  fc.record({ type: fc.constant('sip-uri' as const), uri: fc.nat(30).map((at) => `sip:${at}`) }),
  fc.record({ type: fc.constant('contact' as const), contact: fc.nat(30).map(String) }),
);
const names = {
  hasUri: (_value: string, uri: string, key: number) => uri === `sip:${key}`,
  hasContact: (value: string, contact: string) => value === contact,
};

test('a ratio is rounded half up, to at least one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.nat(2_000_000_000), (millionths, total) => {
      const chosen = BigInt(chosenCount([{ type: 'ratio', ratio: millionths / 1_000_000 }], total));
      const exact = BigInt(millionths) * BigInt(total);
      if (millionths > 0 && total > 0 && exact < 500_000n) expect(chosen).toBe(1n);
      else {
        // Half a session more or less, and the half itself upwards.
        expect(chosen * 1_000_000n - exact).toBeGreaterThan(-500_000n);
        expect(chosen * 1_000_000n - exact).toBeLessThanOrEqual(500_000n);
      }
      expect(chosen).toBeLessThanOrEqual(BigInt(total));
    }),
  );
});

test.each([
  [0.3, 1000, 300],
  [0.145, 100, 15],
  [0.5, 5, 3],
  [0.001, 5, 1],
  [0, 5, 0],
  [1, 5, 5],
  [0.3, 0, 0],
])('%f of %i are %i', (share, total, chosen) => {
  expect(chosenCount([{ type: 'ratio', ratio: share }], total)).toBe(chosen);
});

test('several selectors choose the union of what each of them does', () => {
  fc.assert(
    fc.property(fc.array(selector, { minLength: 1, maxLength: 6 }), fc.nat(40), (selectors, total) => {
      const sessions = new Map(Array.from({ length: total }, (_, key) => [key, String(key % 7)]));
      const of = (some: readonly SessionSelector[]) => selectSessions(sessions, sessions.size, some, names);
      const union = new Set(selectors.flatMap((each) => [...of([each])]));
      expect(of(selectors)).toEqual(union);
    }),
  );
});

test('a count above the number of sessions is all; without names nothing is named', () => {
  const sessions = new Map([
    [1, 'a'],
    [2, 'b'],
  ]);
  expect(selectSessions(sessions, 2, [{ type: 'count', count: 3 }])).toEqual(new Set([1, 2]));
  expect(selectSessions(sessions, 2, [{ type: 'sip-uri', uri: 'sip:1' }])).toEqual(new Set());
  expect(selectSessions(sessions, 2, [{ type: 'contact', contact: 'b' }], names)).toEqual(new Set([2]));
});
