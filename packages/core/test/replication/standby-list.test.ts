// SPDX-License-Identifier: Apache-2.0
import { StandbyList } from '@vnfpool/core/replication';
import { expect, test } from 'vitest';

test('whoever is to be listed counts from the first word of it, whoever is to leave until a value without it stands', () => {
  const list = new StandbyList([1, 2]);
  expect(list.remove(1)).toBe(true);
  expect([list.wanted, list.possible]).toEqual([[2], [1, 2]]);
  expect(list.add(3)).toBe(true);
  expect([list.wanted, list.possible]).toEqual([
    [2, 3],
    [1, 2, 3],
  ]);
  // A round from before the last word.
  list.stands([1, 2]);
  expect(list.possible).toEqual([1, 2, 3]);
  list.stands([2, 3]);
  expect(list.possible).toEqual([2, 3]);
});

test('what is so already is no news', () => {
  const list = new StandbyList([1]);
  expect([list.add(1), list.remove(2)]).toEqual([false, false]);
});

test('one that leaves and comes back before anything stands counts all the time', () => {
  const list = new StandbyList([1]);
  list.remove(1);
  list.add(1);
  list.stands([]);
  expect(list.possible).toEqual([1]);
});
