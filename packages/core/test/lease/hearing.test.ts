// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Hearing } from '../../src/lease/hearing.ts';
import { held } from './harness.ts';

test('a member is silent when three questions in a row were left open, and heard with the first word', () => {
  const hearing = new Hearing();
  const asked = (...members: number[]): readonly number[] => {
    hearing.asked(members);
    return hearing.silent;
  };
  expect([asked(3), asked(3, 2), asked(3, 2)]).toEqual([[], [], []]);
  expect(asked(3, 2)).toEqual([3]);
  const both = asked(3, 2);
  expect(both).toEqual([2, 3]);
  // Who looks for news compares the list by identity.
  expect(asked(2, 3)).toBe(both);
  expect(asked(2)).toEqual([2]);
  // A word between counts anew.
  expect([asked(3), asked(3), asked(3)]).toEqual([[], [], []]);
  expect(asked(3)).toEqual([3]);
});

/** Of whom each engine hears nothing. */
const silentOf = (bench: ReturnType<typeof held>) =>
  Object.fromEntries([...bench.engines].map(([node, { silent }]) => [node, silent]));

test('members that serve hear each other, also those that hold nothing', () => {
  const bench = held([1, 2, 3]);
  bench.run(10_000);
  expect(silentOf(bench)).toEqual({ 1: [], 2: [], 3: [] });
});

test('members that are cut off from each other say of whom they hear nothing, and when that is over', () => {
  const bench = held([1, 2, 3]);
  bench.isLost = (from, to) => from !== to;
  bench.run(3_000);
  expect(silentOf(bench)).toEqual({ 1: [], 2: [], 3: [] });
  bench.run(5_000);
  expect(silentOf(bench)).toEqual({ 1: [2, 3], 2: [1, 3], 3: [1, 2] });
  bench.isLost = () => false;
  bench.run(3_000);
  expect(silentOf(bench)).toEqual({ 1: [], 2: [], 3: [] });
});

test('a way that is cut in one direction is told by the one who hears nothing', () => {
  const bench = held([1, 2, 3]);
  bench.isLost = (from, to) => from === 1 && to === 2;
  bench.run(8_000);
  expect(silentOf(bench)).toEqual({ 1: [], 2: [1], 3: [] });
});
