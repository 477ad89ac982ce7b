// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { type FenceKind, FenceModel } from '../src/lease-world/fence-model.ts';
import { NodeClock } from '../src/lease-world/node-clock.ts';

function fence(kind: FenceKind) {
  const clock = new NodeClock(1, 0, 1_000_000);
  const model = new FenceModel(kind, clock);
  const compute = (untilBootMs: number, trueMs: number, ...slots: string[]) =>
    model.compute(
      new Map((slots.length === 0 ? ['a'] : slots).map((slot) => [slot, { epoch: 5, untilBootMs }])),
      trueMs,
    );
  const open = (trueMs: number) => model.openEpoch('a', trueMs);
  return { clock, model, compute, open };
}

test.each(['nft', 'bpf'] as const)('%s: opens until the end of the lease and closes by itself', (kind) => {
  const { model, compute, open } = fence(kind);
  model.write(compute(300, 0), 0);
  expect([0, 299, 301].map((at) => open(at))).toEqual([5, 5, undefined]);
});

test.each(['nft', 'bpf'] as const)('%s: a late write arrives closed', (kind) => {
  const { model, compute, open } = fence(kind);
  const write = compute(300, 0);
  model.write(write, 400);
  expect(open(400)).toBeUndefined();
});

test('relative: a late write reopens', () => {
  const { model, compute, open } = fence('relative');
  const write = compute(300, 0);
  model.write(write, 400);
  expect(open(400)).toBe(5);
});

test('nft: a wall clock stepped back is caught by the timeout, stepped forward closes early', () => {
  const back = fence('nft');
  back.model.write(back.compute(300, 0), 0);
  back.clock.stepWall(-1000);
  back.model.wallStepped(-1000);
  expect(back.open(301)).toBeUndefined();
  expect(back.open(1100)).toBeUndefined();
  const ahead = fence('nft');
  ahead.model.write(ahead.compute(300, 0), 0);
  ahead.clock.stepWall(1000);
  expect(ahead.open(10)).toBeUndefined();
});

test('a remainder too small to keep is a delete', () => {
  const { model, compute, open } = fence('nft');
  model.write(compute(300, 299.8), 299.8);
  expect(open(299.9)).toBeUndefined();
});

test('nft: a late write together with a backward step is left out, and counted', () => {
  const { model, clock, compute, open } = fence('nft');
  const write = compute(300, 0);
  clock.stepWall(-400);
  model.wallStepped(-400);
  model.write(write, 400);
  expect(open(400)).toBeUndefined();
  expect(model.excluded).toBe(1);
});

test('nft: slots renewed together share an end, and one that is not leaves before it holds the others back', () => {
  const { model, compute } = fence('nft');
  model.write(compute(300, 0, 'a', 'b'), 0);
  model.write(compute(400, 100, 'a'), 100);
  expect(['a', 'b'].map((slot) => model.openEpoch(slot, 299))).toEqual([5, 5]);
  model.write(compute(500, 200, 'a'), 200);
  expect(['a', 'b'].map((slot) => model.openEpoch(slot, 350))).toEqual([5, undefined]);
  model.close('a');
  expect(model.openEpoch('a', 350)).toBeUndefined();
});

test.each([
  ['nft', undefined],
  ['bpf', 5],
] as const)('%s: what an agent that begins anew leaves open', (kind, epoch) => {
  const { model, compute, open } = fence(kind);
  model.write(compute(300, 0), 0);
  model.restarted();
  expect(open(100)).toBe(epoch);
});
