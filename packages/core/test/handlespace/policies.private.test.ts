// SPDX-License-Identifier: Apache-2.0
import { POLICIES } from '@vnfpool/core/handlespace';
import { type KnownPolicy, type KnownPolicyType, POLICY_FORMATS } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { TestPool } from './pools.ts';

const FULL = 0xffffffff;
const percent = (part: number): number => Math.round((FULL * part) / 100);
const plud = (load: number, degradation: number): KnownPolicy => ({
  type: 'priority-least-used-degradation',
  load,
  degradation,
});
const far = (load: number, distance: number, loadDistancePenalty = 42_950): KnownPolicy => ({
  type: 'least-used-distance',
  load,
  loadDistancePenalty,
  distance,
});
const farther = (load: number, degradation: number, distance: number): KnownPolicy => ({
  type: 'least-used-degradation-distance',
  load,
  degradation,
  loadDistancePenalty: 42_950,
  distance,
});

test('every policy that the wire has a format for can be selected by', () => {
  for (const type of Object.keys(POLICY_FORMATS) as KnownPolicyType[]) {
    const fields = Object.fromEntries(POLICY_FORMATS[type].fields.map((field) => [field, 1]));
    const policy = { type, ...fields } as unknown as KnownPolicy;
    expect(POLICIES.find(policy)).toMatchObject({ name: type, code: POLICY_FORMATS[type].code });
    const pool = new TestPool([policy, policy, policy]);
    expect(pool.select(5).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    for (const id of [2, 1, 3]) pool.delete(id);
    expect(pool.select(5)).toEqual([]);
  }
});

describe('priority least used with degradation', () => {
  test('50 % + 10 % goes before 50 % + 50 %, until it was used enough', () => {
    const pool = new TestPool([plud(percent(50), percent(50)), plud(percent(50), percent(10))]);
    // 60, 70, 80, 90, and at 100 both are as full: the one used longest ago.
    expect(pool.firsts(6)).toEqual([2, 2, 2, 2, 1, 2]);
  });
  test('sums saturate, and full ones take turns', () => {
    const pool = new TestPool([plud(FULL, FULL), plud(FULL, 1)]);
    expect(pool.firsts(4)).toEqual([1, 2, 1, 2]);
  });
});

describe('least used with distance', () => {
  test('0.00001 for each of 100 ms is as much as 0.1 % load', () => {
    expect(new TestPool([far(0, 100), far(4_294_999, 0)]).select(2)).toEqual([2, 1]);
    expect(new TestPool([far(0, 100), far(4_295_001, 0)]).select(2)).toEqual([1, 2]);
  });
  test('without penalty distance does not count; sums saturate', () => {
    expect(new TestPool([far(0, 5000, 0), far(1, 0, 0)]).select(2)).toEqual([1, 2]);
    expect(new TestPool([far(1, FULL, FULL), far(0, FULL, FULL)]).select(2)).toEqual([1, 2]);
  });
  test('with degradation each use counts, until the next registration', () => {
    const pool = new TestPool([farther(0, 4_295_000, 0), farther(0, 4_295_000, 250)]);
    expect(pool.firsts(5)).toEqual([1, 1, 1, 2, 1]);
    pool.set(1, farther(0, 4_295_000, 0));
    expect(pool.firsts(3)).toEqual([1, 1, 1]);
  });
});
