// SPDX-License-Identifier: Apache-2.0
import type { HandlespaceOptions } from '@vnfpool/core/handlespace';
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { TestPool } from './pools.ts';

/*
 * What the random policies draw, and how often. The generator is seeded, so each row does the same every time; the
 * bounds are five standard deviations of 20 000 draws or wider.
 */

const FULL = 0xffffffff;
const percent = (part: number): number => Math.round((FULL * part) / 100);
const TIMES = 20_000;

const rand = { type: 'random' } as const;
const wrand = (weight: number): KnownPolicy => ({ type: 'weighted-random', weight });
const rlu = (load: number): KnownPolicy => ({ type: 'randomized-least-used', load });
const rplu = (load: number, degradation: number): KnownPolicy => ({
  type: 'randomized-priority-least-used',
  load,
  degradation,
});
const rlud = (load: number, degradation: number): KnownPolicy => ({
  type: 'randomized-least-used-degradation',
  load,
  degradation,
});
const rplud = (load: number, degradation: number): KnownPolicy => ({
  type: 'randomized-priority-least-used-degradation',
  load,
  degradation,
});
/** 1 % of the weight for each millisecond. */
const near = (weight: number, distance: number): KnownPolicy => ({
  type: 'weighted-random-distance',
  weight,
  weightDistancePenalty: percent(1),
  distance,
});

describe('shares of the first place', () => {
  test.each<[string, KnownPolicy[], number[]]>([
    ['RAND: all alike', [rand, rand, rand, rand], [0.25, 0.25, 0.25, 0.25]],
    ['WRAND: by weight', [wrand(6), wrand(3), wrand(1)], [0.6, 0.3, 0.1]],
    ['WRAND: weight 0 is never drawn', [wrand(0), wrand(1), wrand(3)], [0, 0.25, 0.75]],
    ['WRAND: all weights 0 count alike', [wrand(0), wrand(0)], [0.5, 0.5]],
    ['WRAND: the largest weights', [wrand(FULL), wrand(FULL)], [0.5, 0.5]],
    ['RLU: by what is left', [rlu(0), rlu(percent(50)), rlu(percent(75))], [4 / 7, 2 / 7, 1 / 7]],
    ['RLU: a full one hardly ever', [rlu(percent(50)), rlu(FULL)], [1, 0]],
    ['RLU: all full ones alike', [rlu(FULL), rlu(FULL)], [0.5, 0.5]],
    [
      'RPLU: by what is left after one more session',
      [rplu(percent(50), percent(10)), rplu(percent(50), percent(30)), rplu(0, percent(60))],
      [0.4, 0.2, 0.4],
    ],
    ['RPLU: full after one more', [rplu(percent(50), percent(60)), rplu(FULL, FULL)], [0.5, 0.5]],
    ['RLUD: without degradation as RLU', [rlud(0, 0), rlud(percent(50), 0)], [2 / 3, 1 / 3]],
    ['RPLUD: without degradation as RLU', [rplud(0, 0), rplud(percent(50), 0)], [2 / 3, 1 / 3]],
    ['WRAND-DPF: nearer ones more often', [near(1000, 0), near(1000, 50)], [2 / 3, 1 / 3]],
    ['WRAND-DPF: too far is weight 1', [near(3, 500), near(3, 0)], [0.25, 0.75]],
    ['WRAND-DPF: exactly too far is weight 1', [near(3, 100), near(3, 0)], [0.25, 0.75]],
    ['WRAND-DPF: weight 0 stays 0', [near(0, 500), near(3, 0)], [0, 1]],
  ])('%s', (_name, policies, expected) => {
    const shares = new TestPool(policies, {}, 3).shares(TIMES);
    for (const [index, share] of expected.entries())
      expect(Math.abs((shares[index + 1] ?? 0) - share)).toBeLessThan(0.018);
    for (const [index, share] of expected.entries())
      if (share === 0) expect(shares[index + 1] ?? 0).toBeLessThan(0.0005);
  });

  test('RAND: every order of an answer alike', () => {
    const pool = new TestPool([rand, rand, rand], {}, 4);
    const orders: Record<string, number> = {};
    for (let time = 0; time < TIMES; time++) {
      const order = pool.select(3).join('');
      orders[order] = (orders[order] ?? 0) + 1 / TIMES;
    }
    expect(Object.keys(orders)).toHaveLength(6);
    for (const share of Object.values(orders)) expect(Math.abs(share - 1 / 6)).toBeLessThan(0.014);
  });

  test('WRAND: the second place by the weights of those not yet drawn', () => {
    const pool = new TestPool([wrand(6), wrand(3), wrand(1)], {}, 5);
    let afterFirst = 0;
    let both = 0;
    for (let time = 0; time < TIMES; time++) {
      const [first, second] = pool.select(2);
      if (first === 1) afterFirst += 1;
      if (first === 1 && second === 2) both += 1;
    }
    expect(Math.abs(both / afterFirst - 3 / 4)).toBeLessThan(0.022);
  });
});

describe('answers as large as the pool, and larger', () => {
  test.each<[string, KnownPolicy[], number[]]>([
    ['RAND', [rand, rand, rand], [1, 2, 3]],
    ['WRAND', [wrand(1), wrand(FULL), wrand(7)], [1, 2, 3]],
    ['WRAND with weight 0', [wrand(1), wrand(0), wrand(7)], [1, 3]],
    ['RLU', [rlu(0), rlu(FULL), rlu(1)], [1, 2, 3]],
    ['RPLUD', [rplud(0, FULL), rplud(FULL, FULL), rplud(1, 0)], [1, 2, 3]],
    ['WRAND-DPF', [near(1, 0), near(5, 1000), near(0, 0)], [1, 2]],
  ])('%s: everyone who may, once', (_name, policies, expected) => {
    const pool = new TestPool(policies, {}, 6);
    for (const count of [3, 4, 1000])
      for (let time = 0; time < 20; time++)
        expect(pool.select(count).toSorted((a, b) => a - b)).toEqual(expected);
    expect(pool.select(0)).toEqual([]);
    // What was taken out of a draw is back for the next one.
    expect(Object.keys(pool.shares(2000)).length).toBeGreaterThanOrEqual(1);
  });
});

describe('degradation, until the next registration', () => {
  const policies = [rlud(0, percent(10)), rlud(percent(90), 0)];
  /** How often number 1 comes first in 400 answers: its weight falls from 10 : 1 to nothing. */
  const firstShare = (options: HandlespaceOptions): number =>
    new TestPool(policies, options, 7).firsts(400, 2).filter((id) => id === 1).length / 400;

  test('MaxIncrement 0 and 1: the first one of an answer is used', () => {
    // Ten uses and it is full: from then on it is not drawn any more.
    expect(firstShare({})).toBe(10 / 400);
    expect(firstShare({ maxIncrement: 1 })).toBe(10 / 400);
  });

  test('MaxIncrement k: everyone of the answer is used', () => {
    expect(firstShare({ maxIncrement: 2 })).toBeLessThan(10 / 400);
  });

  test('a new registration gives the weight back', () => {
    const pool = new TestPool(policies, {}, 7);
    pool.firsts(400);
    expect(pool.firsts(100).includes(1)).toBe(false);
    pool.set(1, rlud(0, percent(10)));
    expect(pool.firsts(100).filter((id) => id === 1).length).toBe(10);
  });

  test('RPLUD counts the session to come as well', () => {
    const pool = new TestPool([rplud(0, percent(10)), rplud(percent(90), 0)], {}, 8);
    expect(pool.firsts(400).filter((id) => id === 1).length).toBe(9);
  });

  test('RAND and WRAND remember nothing, whatever is used', () => {
    for (const policy of [rand, wrand(5), near(5, 1)]) {
      const few = new TestPool([policy, policy, policy], {}, 9);
      const all = new TestPool([policy, policy, policy], { maxIncrement: 3 }, 9);
      expect(few.firsts(200, 2)).toEqual(all.firsts(200, 2));
    }
  });
});

test('a weight of 1 is drawn in a pool of the largest weights', () => {
  // Sum 2^40: with 32 bits of chance the last element would never come.
  const pool = new TestPool([...Array.from({ length: 255 }, () => wrand(FULL)), wrand(1)]);
  expect(new Set(pool.select(256)).size).toBe(256);
});
