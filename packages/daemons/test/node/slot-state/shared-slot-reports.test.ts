// SPDX-License-Identifier: Apache-2.0
import type { SharingReport } from '@vnfpool/wire/mobility';
import { afterEach, expect, test, vi } from 'vitest';
import { type FakeNode, FakeSlot } from './shared-slots.ts';

/* What the holder of a slot reports of its copies. */

let slot: FakeSlot;
afterEach(() => slot.close());

/** The first of the nodes holds the slot, and the others have its state. */
async function shared(count: number): Promise<FakeNode[]> {
  slot = await FakeSlot.start(count);
  const [holder, ...standbys] = slot.nodes;
  await slot.grant(holder as FakeNode);
  for (const each of standbys) await slot.followed(each);
  return [...slot.nodes];
}

function reported(node: FakeNode): SharingReport {
  node.slot?.report();
  const told = node.inputs.findLast((input) => input.type === 'sharing')?.report;
  if (!told) throw new Error('nothing is reported');
  return told;
}

const standbyOf = (node: FakeNode): SharingReport['standbys'][number] | undefined =>
  reported(node).standbys[0];

test('a copy that was damaged in memory: its digest differs, and it is filled anew and listed again', async () => {
  const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
  await a.run.set('x', '1');
  expect(standbyOf(a)).toMatchObject({ stream: { fills: 1 }, digests: { differed: 0, isDiffering: false } });
  const kept = await vi.waitUntil(() => b.run.ready?.get('x'));
  kept[0] = (kept[0] ?? 0) ^ 1;
  await vi.waitUntil(() => standbyOf(a)?.digests?.differed === 1, { timeout: 10_000 });
  await slot.followed(b);
  await vi.waitUntil(() => standbyOf(a)?.stream?.fills === 2);
  // It was well for too short a time to count as such.
  expect(standbyOf(a)).toMatchObject({ digests: { differed: 1, isDiffering: true } });
  expect(await slot.grant(b)).toMatchObject({ isTaken: true });
  expect(b.run.texts).toEqual({ x: '1' });
});

test('what goes to each copy, and a copy that cannot be reached is one of them', async () => {
  const [a, b, c] = (await shared(3)) as [FakeNode, FakeNode, FakeNode];
  await a.run.set('x', '1');
  const of = (node: FakeNode): SharingReport['standbys'][number] | undefined =>
    reported(a).standbys.find(({ node: id }) => id === node.id);
  expect(
    reported(a)
      .standbys.map(({ node }) => node)
      .toSorted((one, other) => one - other),
  ).toEqual([b.id, c.id]);
  await c.close();
  await vi.waitUntil(() => of(c)?.isListed === false, { timeout: 10_000 });
  expect(of(c)).toMatchObject({ state: 'away', isListed: false, lagUpdates: 1, lagBytes: 10 });
  await a.run.set('y', '22');
  expect(of(b)).toMatchObject({
    state: 'following',
    lagUpdates: 0,
    lagBytes: 0,
    stream: { underWayBytes: 0 },
  });
  expect(of(b)?.digests?.agreed).toBeGreaterThan(0);
  expect(of(b)?.stream?.silentMs).toBeLessThan(10_000);
});

test('events that the kernel lost, as long as it lost any', async () => {
  const [a] = (await shared(2)) as [FakeNode];
  expect(reported(a)).not.toHaveProperty('overruns');
  a.run.overruns = () => ({ times: 3, isAmid: true });
  expect(reported(a)).toMatchObject({ overruns: { times: 3, isAmid: true } });
});
