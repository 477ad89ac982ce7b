// SPDX-License-Identifier: Apache-2.0
import { type ListWord, StandbyList } from '@vnfpool/core/replication';
import { expect, test } from 'vitest';

test('whoever is to be listed counts from the first word of it, whoever is to leave until a value without it stands', () => {
  const list = new StandbyList([1, 2]);
  expect(list.remove(1)).toEqual({ standbys: [2], serial: 1 });
  expect(list.possible).toEqual([1, 2]);
  expect(list.add(3)).toEqual({ standbys: [2, 3], serial: 2 });
  expect(list.possible).toEqual([1, 2, 3]);
  // A round from before the last word.
  list.stands({ standbys: [1, 2], serial: 0 });
  expect(list.possible).toEqual([1, 2, 3]);
  list.stands({ standbys: [2, 3], serial: 2 });
  expect(list.possible).toEqual([2, 3]);
});

test('what is so already is no news', () => {
  const list = new StandbyList([1]);
  expect([list.add(1), list.remove(2)]).toEqual([undefined, undefined]);
});

test('one that leaves and comes back before anything stands counts all the time', () => {
  const list = new StandbyList([1]);
  list.remove(1);
  list.add(1);
  list.stands({ standbys: [], serial: 1 });
  expect(list.possible).toEqual([1]);
});

test('one that leaves, comes back and leaves counts until a value stands that knows of its coming back', () => {
  const list = new StandbyList([1]);
  list.remove(1);
  list.add(1);
  list.remove(1);
  // The value of the first removal: another one, with it, may be under way.
  list.stands({ standbys: [], serial: 1 });
  expect(list.possible).toEqual([1]);
  list.stands({ standbys: [1], serial: 2 });
  expect(list.possible).toEqual([1]);
  list.stands({ standbys: [], serial: 3 });
  expect(list.possible).toEqual([]);
});

test('at random: whoever a value under way names counts as listed', () => {
  for (let seed = 1; seed <= 300; seed++) {
    let state = seed;
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const list = new StandbyList([1, 2, 3]);
    let wanted: ListWord = { standbys: [1, 2, 3], serial: 0 };
    let standing = wanted;
    let proposed: ListWord | null = null;
    const answers: ListWord[] = [];
    for (let step = 0; step < 60; step++) {
      const standby = 1 + draw(3);
      if (draw(2) === 0) wanted = (draw(2) === 0 ? list.add(standby) : list.remove(standby)) ?? wanted;
      // The council takes one round after the other, and its answers are read later.
      if (proposed === null) proposed = wanted.serial === standing.serial ? null : wanted;
      else if (draw(2) === 0) {
        standing = proposed;
        proposed = null;
        answers.push(standing);
      }
      const answer = draw(2) === 0 ? answers.shift() : undefined;
      if (answer) list.stands(answer);
      for (const each of [...standing.standbys, ...(proposed?.standbys ?? [])])
        expect(list.possible, `seed ${seed}, step ${step}`).toContain(each);
    }
  }
});
