// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { FakeClocks, FakeFence } from '../../src/fakes/index.ts';
import { createNoFence } from '../../src/fence/index.ts';
import type { Clocks, Fence } from '../../src/interfaces.ts';

const kinds: [string, (clocks: Clocks) => Fence][] = [
  ['none', createNoFence],
  ['fake', (clocks) => new FakeFence(clocks)],
];

describe.each(kinds)('the fence %s', (_, create) => {
  test('keeps account of what is open', () => {
    const clocks = new FakeClocks(100);
    const fence = create(clocks);
    fence.guard(['10.0.0.1', '10.0.0.2']);
    expect(fence.isOpen('10.0.0.1')).toBe(false);
    expect(fence.isOpen('10.0.0.9')).toBe(true);
    fence.open('10.0.0.1', 200);
    expect(fence.isOpen('10.0.0.1')).toBe(true);
    expect(fence.isOpen('10.0.0.2')).toBe(false);
    clocks.advance(100);
    expect(fence.isOpen('10.0.0.1')).toBe(false);
    fence.open('10.0.0.1', 300);
    fence.guard(['10.0.0.1']);
    expect(fence.isOpen('10.0.0.1')).toBe(true);
    fence.close('10.0.0.1');
    expect(fence.isOpen('10.0.0.1')).toBe(false);
    fence.guard([]);
    expect(fence.isOpen('10.0.0.1')).toBe(true);
    fence.dispose();
  });
});

describe('the fake fence', () => {
  test('a late write arrives closed; with a backward step of the wall clock it does not', () => {
    const clocks = new FakeClocks(0);
    const fence = new FakeFence(clocks);
    fence.guard(['10.0.0.1']);
    fence.beforeWrite = () => clocks.advance(150);
    fence.open('10.0.0.1', 100);
    expect(fence.isOpen('10.0.0.1')).toBe(false);
    fence.beforeWrite = () => {
      clocks.advance(150);
      clocks.stepWall(-150);
    };
    fence.open('10.0.0.1', clocks.boottimeMs() + 100);
    expect(fence.isOpen('10.0.0.1')).toBe(true);
  });

  test('refuses an address that is not guarded', () => {
    expect(() => new FakeFence(new FakeClocks()).open('10.0.0.1', 1)).toThrow(/not under the fence/);
  });
});
