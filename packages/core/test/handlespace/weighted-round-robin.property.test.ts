// SPDX-License-Identifier: Apache-2.0
import type { KnownPolicy } from '@vnfpool/wire/parameters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestPool } from './pools.ts';

const wrr = (weight: number): KnownPolicy => ({ type: 'weighted-round-robin', weight });
const weights = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 }), fc.constant(1)),
  { minLength: 1, maxLength: 30 },
);
const sum = (of: readonly number[]): number => of.reduce((total, one) => total + one, 0);

/** How far anyone was from its fair share at most, in turns, at any moment. */
function worstLag(pool: TestPool, shares: readonly number[], times: number): number {
  const total = sum(shares);
  const turns = shares.map(() => 0);
  let worst = 0;
  for (let time = 1; time <= times; time++) {
    const [id = 0] = pool.select(1);
    turns[id - 1] = (turns[id - 1] ?? 0) + 1;
    for (const [index, weight] of shares.entries())
      worst = Math.max(worst, Math.abs((turns[index] ?? 0) - (time * weight) / total));
  }
  return worst;
}

describe('weighted round robin, RFC 5356 §4.2', () => {
  test('nobody is ever much more than one turn from its fair share', () => {
    fc.assert(
      fc.property(weights, (shares) => {
        expect(worstLag(new TestPool(shares.map(wrr)), shares, 400)).toBeLessThan(1.5);
      }),
      { seed: 5353 },
    );
  });

  test('a heavy element and many light ones alternate', () => {
    const pool = new TestPool([wrr(100), ...Array.from({ length: 100 }, () => wrr(1))]);
    const heavy = pool.firsts(400).map((id) => id === 1);
    for (let at = 0; at + 3 < heavy.length; at++) {
      const run = heavy.slice(at, at + 4).filter(Boolean).length;
      expect(run).toBeGreaterThanOrEqual(1);
      expect(run).toBeLessThanOrEqual(3);
    }
  });

  test('all weights the same is round robin, whatever the weight', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffffffff }),
        fc.integer({ min: 1, max: 12 }),
        (weight, size) => {
          const pool = new TestPool(Array.from({ length: size }, () => wrr(weight)));
          const rounds = Array.from({ length: 3 * size }, (_, turn) => (turn % size) + 1);
          expect(pool.firsts(3 * size)).toEqual(rounds);
        },
      ),
    );
  });

  test('the first of an answer is the next turn, and nobody comes twice', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 2, max: 40 }), (shares, count) => {
        const [one, many] = [new TestPool(shares.map(wrr)), new TestPool(shares.map(wrr))];
        for (let time = 0; time < 60; time++) {
          const answer = many.select(count);
          expect(answer[0]).toBe(one.select(1)[0]);
          expect(new Set(answer).size).toBe(Math.min(count, shares.length));
        }
      }),
    );
  });

  test('a change of weight keeps what is owed, and the new proportions hold', () => {
    fc.assert(
      fc.property(weights, weights, fc.integer({ min: 0, max: 200 }), (before, after, turns) => {
        const shares = before.map((_, index) => after[index % after.length] ?? 1);
        const pool = new TestPool(before.map(wrr));
        pool.firsts(turns);
        for (const [index, weight] of shares.entries()) pool.set(index + 1, wrr(weight));
        // What was owed from before may come on top, less than two turns.
        expect(worstLag(pool, shares, 400)).toBeLessThan(3);
      }),
      { seed: 5353 },
    );
  });

  test('who has just had its turn does not get it again for a change of weight', () => {
    const pool = new TestPool([wrr(1), wrr(1), wrr(1)]);
    expect(pool.select(1)).toEqual([1]);
    pool.set(1, wrr(2));
    expect(pool.firsts(2).toSorted((a, b) => a - b)).toEqual([2, 3]);
  });

  test('who comes and goes neither starves nor is starved', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 50 }), (shares, weight) => {
        const pool = new TestPool(shares.map(wrr));
        // Someone comes, is used, and goes, over and over: what it was ahead must not be left to the others.
        for (let time = 0; time < 100; time++) {
          pool.set(1000, wrr(weight));
          let turns = 0;
          while (turns < 10_000 && pool.select(1)[0] !== 1000) turns += 1;
          // At the latest when everyone else has had as many turns as its weight, and one more.
          expect(turns).toBeLessThanOrEqual(sum(shares) / weight + shares.length + 1);
          pool.delete(1000);
        }
        expect(worstLag(pool, shares, 300)).toBeLessThan(3.5);
      }),
      { numRuns: 40, seed: 5353 },
    );
  });

  test('weight 0 gives no turn while anyone has a weight; all 0 take turns', () => {
    const pool = new TestPool([wrr(0), wrr(0), wrr(2)]);
    expect(pool.firsts(3, 3)).toEqual([3, 3, 3]);
    expect(pool.select(3)).toEqual([3]);
    pool.set(3, wrr(0));
    expect(pool.firsts(4)).toEqual([1, 2, 3, 1]);
    pool.set(2, wrr(1));
    expect(pool.select(3)).toEqual([2]);
    pool.delete(2);
    expect(pool.select(3)).toEqual([3, 1]);
  });

  test('MaxIncrement: as many turns as are used', () => {
    const pool = new TestPool([wrr(1), wrr(1), wrr(1), wrr(1)], { maxIncrement: 3 });
    expect([pool.select(3), pool.select(3), pool.select(2)]).toEqual([
      [1, 2, 3],
      [4, 1, 2],
      [3, 4],
    ]);
  });

  test('the largest weights, over many rounds of small ones', () => {
    const pool = new TestPool([wrr(1), wrr(0xffffffff), wrr(0xffffffff)]);
    const firsts = pool.firsts(4000);
    expect(Math.abs(firsts.filter((id) => id === 2).length - 2000)).toBeLessThanOrEqual(2);
    // The virtual time starts over every 64 rounds.
    expect(worstLag(new TestPool([1, 2, 3].map(wrr)), [1, 2, 3], 6 * 64 * 3)).toBeLessThan(1.5);
  });
});
