// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { FakeClocks, FakeFence } from '../../src/fakes/index.ts';
import { createNoFence } from '../../src/fence/index.ts';
import type { Clocks, Fence, GuardedSlot } from '../../src/interfaces.ts';

const kinds: [string, (clocks: Clocks) => Fence][] = [
  ['none', createNoFence],
  ['fake', (clocks) => new FakeFence(clocks)],
];

const slot = (name: string, address: string): GuardedSlot => ({
  slot: name,
  guarded: [{ what: 'address', address }],
});
const A = slot('a', '10.0.0.1');
const B = slot('b', '2001:db8::1');

describe.each(kinds)('the fence %s', (_, create) => {
  test('keeps account of what is open', () => {
    const clocks = new FakeClocks(100);
    const fence = create(clocks);
    fence.guard([A, B]);
    expect(fence.guarded).toEqual([...A.guarded, ...B.guarded]);
    expect(fence.isOpen('a')).toBe(false);
    expect(fence.isOpen('other')).toBe(true);
    fence.openUntil(new Map([['a', 200]]));
    expect(fence.isOpen('a')).toBe(true);
    expect(fence.isOpen('b')).toBe(false);
    clocks.advance(100);
    expect(fence.isOpen('a')).toBe(false);
    fence.openUntil(
      new Map([
        ['a', 300],
        ['b', 300],
      ]),
    );
    fence.guard([A]);
    expect(fence.isOpen('a')).toBe(true);
    fence.close('a');
    expect(fence.isOpen('a')).toBe(false);
    fence.close('b');
    fence.guard([]);
    expect(fence.isOpen('a')).toBe(true);
    expect(() => fence.openUntil(new Map([['a', 1]]))).toThrow(/not under the fence/);
    fence.check();
    fence.dispose();
  });
});

test('the fake: a late write arrives closed; with a backward step of the wall clock it does not', () => {
  const clocks = new FakeClocks(0);
  const fence = new FakeFence(clocks);
  fence.guard([A]);
  fence.beforeWrite = () => clocks.advance(150);
  fence.openUntil(new Map([['a', 100]]));
  expect(fence.isOpen('a')).toBe(false);
  fence.beforeWrite = () => {
    clocks.advance(150);
    clocks.stepWall(-150);
  };
  fence.openUntil(new Map([['a', clocks.boottimeMs() + 100]]));
  expect(fence.isOpen('a')).toBe(true);
});
