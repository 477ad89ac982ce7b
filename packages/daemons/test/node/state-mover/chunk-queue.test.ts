// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { ChunkQueue } from '../../../src/node/state-mover/chunk-queue.ts';

function rig() {
  const taken: number[] = [];
  const queue = new ChunkQueue((bytes) => taken.push(bytes));
  const items = queue[Symbol.asyncIterator]();
  return { queue, items, taken };
}
const octets = (bytes: number): Uint8Array => new Uint8Array(bytes);

test('what comes in one turn can be taken at once, and counts as taken when the next is asked for', async () => {
  const { queue, items, taken } = rig();
  const first = items.next();
  for (const bytes of [1, 2, 3]) queue.push(octets(bytes));
  expect((await first).value).toHaveLength(1);
  expect([queue.more()?.length, queue.more()?.length, queue.more()]).toEqual([2, 3, undefined]);
  expect(taken).toEqual([]);
  queue.end();
  expect(await items.next()).toMatchObject({ done: true });
  expect(taken).toEqual([6]);
});

test('many octets are not waited behind', async () => {
  const { queue, items } = rig();
  const first = items.next();
  queue.push(octets(300_000));
  // Not the turn's end, which comes only after this.
  expect((await Promise.race([first, Promise.resolve().then(() => first)])).value).toHaveLength(300_000);
});

test('an error comes before what is left', async () => {
  const { queue, items } = rig();
  queue.push(octets(1));
  queue.push(octets(1));
  expect((await items.next()).done).toBe(false);
  queue.fail(new Error('over'));
  await expect(items.next()).rejects.toThrow('over');
});
