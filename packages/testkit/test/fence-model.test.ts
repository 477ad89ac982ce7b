// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { type FenceKind, FenceModel } from '../src/lease-world/fence-model.ts';
import { NodeClock } from '../src/lease-world/node-clock.ts';

function fence(kind: FenceKind) {
  const clock = new NodeClock(1, 0, 1_000_000);
  return { clock, model: new FenceModel(kind, clock) };
}

test.each(['nft', 'bpf'] as const)('%s: opens until the end of the lease and closes by itself', (kind) => {
  const { model } = fence(kind);
  model.write(model.compute(5, 300, 0), 0);
  expect([0, 299, 301].map((at) => model.openEpoch(at))).toEqual([5, 5, undefined]);
});

test.each(['nft', 'bpf'] as const)('%s: a late write arrives closed', (kind) => {
  const { model } = fence(kind);
  const write = model.compute(5, 300, 0);
  model.write(write, 400);
  expect(model.openEpoch(400)).toBeUndefined();
});

test('relative: a late write reopens', () => {
  const { model } = fence('relative');
  const write = model.compute(5, 300, 0);
  model.write(write, 400);
  expect(model.openEpoch(400)).toBe(5);
});

test('nft: a wall clock stepped back is caught by the timeout, stepped forward closes early', () => {
  const back = fence('nft');
  back.model.write(back.model.compute(5, 300, 0), 0);
  back.clock.stepWall(-1000);
  back.model.wallStepped(-1000);
  expect(back.model.openEpoch(301)).toBeUndefined();
  expect(back.model.openEpoch(1100)).toBeUndefined();
  const ahead = fence('nft');
  ahead.model.write(ahead.model.compute(5, 300, 0), 0);
  ahead.clock.stepWall(1000);
  expect(ahead.model.openEpoch(10)).toBeUndefined();
});

test('a remainder too small to keep is a delete', () => {
  const { model } = fence('nft');
  model.write(model.compute(5, 300, 299.8), 299.8);
  expect(model.openEpoch(299.9)).toBeUndefined();
});

test('nft: a late write together with a backward step is left out, and counted', () => {
  const { model, clock } = fence('nft');
  const write = model.compute(5, 300, 0);
  clock.stepWall(-400);
  model.wallStepped(-400);
  model.write(write, 400);
  expect(model.openEpoch(400)).toBeUndefined();
  expect(model.excluded).toBe(1);
});
