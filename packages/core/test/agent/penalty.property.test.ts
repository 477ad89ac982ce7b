// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLAP_DEFAULT, Penalty } from '../../src/agent/penalty.ts';

const gaps = fc.array(fc.integer({ min: 0, max: 300_000 }), { minLength: 1, maxLength: 40 });
const rules = fc
  .record({
    penalty: fc.integer({ min: 1, max: 5_000 }),
    reuse: fc.integer({ min: 1, max: 2_000 }),
    above: fc.integer({ min: 1, max: 5_000 }),
    halfLifeMs: fc.integer({ min: 100, max: 600_000 }),
  })
  .map(({ above, ...rule }) => ({ ...rule, suppress: rule.reuse + above }));

test('it suppresses exactly from `suppress` to `reuse`, as an exponential decay computed in steps says', () => {
  fc.assert(
    fc.property(gaps, rules, (waits, rule) => {
      const penalty = new Penalty();
      let nowMs = 0;
      let value = 0;
      let isSuppressed = false;
      for (const waitMs of waits) {
        nowMs += waitMs;
        value *= 0.5 ** (waitMs / rule.halfLifeMs);
        // A figure right at the border may fall to either side of it.
        if (Math.abs(value - rule.reuse) < 1e-6 * rule.reuse) return;
        if (value < rule.reuse) isSuppressed = false;
        expect(penalty.isSuppressed(rule, nowMs)).toBe(isSuppressed);
        value += rule.penalty;
        if (value >= rule.suppress) isSuppressed = true;
        value = Math.min(value, rule.suppress * 4);
        penalty.add(rule, nowMs);
        expect(penalty.value(rule, nowMs)).toBeCloseTo(value, 3);
        expect(penalty.isSuppressed(rule, nowMs)).toBe(isSuppressed && value > rule.reuse);
      }
    }),
  );
});

test('however often it failed, it is heard again within a bound', () => {
  const penalty = new Penalty();
  for (let n = 0; n < 10_000; n++) penalty.add(FLAP_DEFAULT, n);
  const endsAtMs = penalty.endsAtMs(FLAP_DEFAULT) ?? Number.NaN;
  expect(endsAtMs - 9_999).toBeLessThan(4 * FLAP_DEFAULT.halfLifeMs);
  expect(penalty.isSuppressed(FLAP_DEFAULT, endsAtMs)).toBe(false);
});

test('it survives the agent, and not the machine', () => {
  const penalty = new Penalty();
  for (let n = 0; n < 3; n++) penalty.add(FLAP_DEFAULT, 1_000);
  const { record } = penalty;
  const next = new Penalty();
  if (record) next.restore(record, 1_500);
  expect(next.isSuppressed(FLAP_DEFAULT, 1_500)).toBe(true);
  const other = new Penalty();
  // The clock began anew.
  if (record) other.restore(record, 20);
  expect(other.isSuppressed(FLAP_DEFAULT, 20)).toBe(false);
});
