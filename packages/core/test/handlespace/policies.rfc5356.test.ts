// SPDX-License-Identifier: Apache-2.0
import { POLICIES } from '@vnfpool/core/handlespace';
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { TestPool } from './pools.ts';

/** Elements numbered from 1. */
const pool = (...policies: readonly KnownPolicy[]): TestPool => new TestPool(policies);
const firsts = (of: TestPool, times: number): number[] => of.firsts(times);
const shares = (of: TestPool, times: number): Record<number, number> => of.shares(times);

const rr = { type: 'round-robin' } as const;
const random = { type: 'random' } as const;
const wrr = (weight: number) => ({ type: 'weighted-round-robin', weight }) as const;
const wrand = (weight: number) => ({ type: 'weighted-random', weight }) as const;
const prio = (priority: number) => ({ type: 'priority', priority }) as const;
const lu = (load: number) => ({ type: 'least-used', load }) as const;
const lud = (load: number, degradation: number) =>
  ({ type: 'least-used-degradation', load, degradation }) as const;
const plu = (load: number, degradation: number) =>
  ({ type: 'priority-least-used', load, degradation }) as const;
const rlu = (load: number) => ({ type: 'randomized-least-used', load }) as const;
const PERCENT = Math.round(0xffffffff / 100);

describe('round robin, §4.1', () => {
  test('the list from the head on; the head moves by one', () => {
    const selector = pool(rr, rr, rr);
    expect([selector.select(3), selector.select(3), selector.select(2), selector.select(1)]).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1],
      [1],
    ]);
  });
  test('a new element comes last, a removed one is never chosen again', () => {
    const selector = pool(rr, rr);
    selector.select(1);
    selector.set(3, rr);
    selector.delete(2);
    expect(selector.select(9)).toEqual([1, 3]);
  });
  test('re-registration does not change the turn', () => {
    const selector = pool(rr, rr);
    selector.set(1, rr);
    expect(selector.select(2)).toEqual([1, 2]);
  });
});

describe('weighted round robin, §4.2', () => {
  test('in proportion to the weights, evenly spread', () => {
    expect(firsts(pool(wrr(5), wrr(1), wrr(1)), 14)).toEqual([1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 1, 3, 1, 1]);
  });
  test('with all weights 1 it is round robin', () => {
    expect(firsts(pool(wrr(1), wrr(1), wrr(1)), 6)).toEqual([1, 2, 3, 1, 2, 3]);
  });
  test('no element twice in one answer', () => {
    expect(
      pool(wrr(100), wrr(1), wrr(2))
        .select(3)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 2, 3]);
  });
  test('weight 0 gives no service, unless all have 0', () => {
    expect(pool(wrr(0), wrr(1)).select(2)).toEqual([2]);
    expect(firsts(pool(wrr(0), wrr(0)), 4)).toEqual([1, 2, 1, 2]);
  });
});

describe('random, §4.3', () => {
  test('uniform, and different elements in one answer', () => {
    const selector = pool(random, random, random, random);
    for (const share of Object.values(shares(selector, 8000)))
      expect(Math.abs(share - 0.25)).toBeLessThan(0.03);
    expect(selector.select(4).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });
});

describe('weighted random, §4.4', () => {
  test('in proportion to the weights', () => {
    const share = shares(pool(wrand(6), wrand(3), wrand(1)), 8000);
    expect(Math.abs((share[1] ?? 0) - 0.6)).toBeLessThan(0.03);
    expect(Math.abs((share[2] ?? 0) - 0.3)).toBeLessThan(0.03);
  });
  test('weight 0 is never drawn, unless all have 0', () => {
    expect(shares(pool(wrand(0), wrand(1)), 100)).toEqual({ 2: expect.closeTo(1, 9) });
    expect(Object.keys(shares(pool(wrand(0), wrand(0)), 100))).toEqual(['1', '2']);
  });
});

describe('priority, §4.5', () => {
  test('the highest first, descending; equals by turns', () => {
    const selector = pool(prio(1), prio(7), prio(7), prio(0xffffffff));
    expect(selector.select(4)).toEqual([4, 2, 3, 1]);
    selector.delete(4);
    expect(firsts(selector, 4)).toEqual([2, 3, 2, 3]);
  });
  test('a re-registration with a higher priority goes first', () => {
    const selector = pool(prio(1), prio(2));
    selector.set(1, prio(3));
    expect(selector.select(2)).toEqual([1, 2]);
  });
});

describe('least used, §5.1', () => {
  test('the lowest load; ties by turns', () => {
    const selector = pool(lu(50), lu(0), lu(0xffffffff), lu(0));
    expect(selector.select(4)).toEqual([2, 4, 1, 3]);
    expect(firsts(selector, 3)).toEqual([4, 2, 4]);
  });
  test('follows the load that elements report', () => {
    const selector = pool(lu(10), lu(20));
    selector.set(1, lu(30));
    expect(selector.select(2)).toEqual([2, 1]);
  });
});

describe('least used with degradation, §5.2', () => {
  test('every choice weighs until the next registration', () => {
    const selector = pool(lud(0, 10), lud(25, 10));
    expect(firsts(selector, 5)).toEqual([1, 1, 1, 2, 1]);
    selector.set(1, lud(0, 10));
    expect(firsts(selector, 1)).toEqual([1]);
  });
});

describe('priority least used, §5.3', () => {
  test('50 % + 10 % goes before 50 % + 50 %', () => {
    expect(pool(plu(50 * PERCENT, 50 * PERCENT), plu(50 * PERCENT, 10 * PERCENT)).select(2)).toEqual([2, 1]);
  });
  test('sums saturate', () => {
    expect(pool(plu(0xffffffff, 0xffffffff), plu(0xffffffff, 1)).select(2)).toEqual([1, 2]);
  });
});

describe('randomized least used, §5.4', () => {
  test('in proportion to the capacity left; a full element can still be drawn', () => {
    const share = shares(pool(rlu(0), rlu(50 * PERCENT), rlu(0xffffffff)), 8000);
    expect(Math.abs((share[1] ?? 0) - 2 / 3)).toBeLessThan(0.03);
    expect(pool(rlu(0xffffffff)).select(1)).toEqual([1]);
  });
});

test('an empty pool gives nothing, whatever the policy', () => {
  for (const policy of [rr, random, wrr(1), wrand(1), prio(1), lu(1), lud(1, 1), plu(1, 1), rlu(1)]) {
    const selector = pool(policy);
    selector.delete(1);
    expect(selector.select(3)).toEqual([]);
  }
});

test('a policy that we do not know has no selector', () => {
  expect(POLICIES.find({ type: 'other', code: 99, data: new Uint8Array(0) })).toBeUndefined();
});
