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

/** What the holder's agent keeps of it changes, and nobody is told. */
function damageAt(holder: FakeNode, key: string): void {
  for (const [name, value] of holder.run.sink?.entries() ?? [])
    if (name === key) value[0] = (value[0] ?? 0) ^ 1;
}

test('a value that was damaged at the holder: its function tells it anew, and no copy has had it', async () => {
  const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
  await a.run.set('x', '1');
  await a.run.set('y', '2');
  expect(reported(a)).not.toHaveProperty('damage');
  damageAt(a, 'x');
  await vi.waitUntil(() => reported(a).damage?.found === 1 && reported(a).damage?.now === 0, {
    timeout: 10_000,
  });
  expect(a.run.toldAnew).toBe(1);
  expect(standbyOf(a)).toMatchObject({ isListed: true, stream: { fills: 1 }, digests: { differed: 0 } });
  expect(await slot.grant(b)).toMatchObject({ isTaken: true });
  expect(b.run.texts).toEqual({ x: '1', y: '2' });
});

test('a value that was damaged at the holder and is not told anew: it stays so, and it is no copy behind it', async () => {
  const [a, b] = (await shared(2)) as [FakeNode, FakeNode];
  await a.run.set('x', '1');
  a.run.tells = false;
  damageAt(a, 'x');
  await vi.waitUntil(() => reported(a).damage?.now === 1, { timeout: 10_000 });
  expect(a.log.map(({ msg }) => msg)).toContain(
    'values of the state here were damaged in memory: the function is to tell them anew',
  );
  // Whoever has it all is not touched, and takes over with what was told.
  expect(await slot.grant(b)).toMatchObject({ isTaken: true });
  expect(b.run.texts).toEqual({ x: '1' });
  const before = a.inputs.length;
  a.slot?.leave();
  const kept = (): unknown => a.inputs.slice(before).find((input) => input.type === 'copy');
  expect(await vi.waitUntil(kept)).toMatchObject({ isWhole: false });
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
