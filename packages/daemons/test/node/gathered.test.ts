// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gathered } from '../../src/node/gathered.ts';

function gathering() {
  const taken: (readonly number[])[] = [];
  return { taken, gathered: new Gathered<number>((items) => taken.push(items)) };
}

test('what comes in one turn is taken together, in its order, when the turn is over', async () => {
  const { taken, gathered } = gathering();
  gathered.add(1);
  gathered.add(2);
  expect(taken).toEqual([]);
  await turn();
  expect(taken).toEqual([[1, 2]]);
  gathered.add(3);
  await turn();
  expect(taken).toEqual([[1, 2], [3]]);
});

test('what there is can be taken before, and is not taken again', async () => {
  const { taken, gathered } = gathering();
  gathered.add(1);
  gathered.flush();
  gathered.flush();
  await turn();
  expect(taken).toEqual([[1]]);
});

test('no more than a bound waits', async () => {
  const { taken, gathered } = gathering();
  for (let item = 0; item < 1_025; item++) gathered.add(item);
  expect(taken.map(({ length }) => length)).toEqual([1_024]);
  await turn();
  expect(taken.map(({ length }) => length)).toEqual([1_024, 1]);
});
