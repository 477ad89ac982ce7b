// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { FakeClocks, FakeVirtualAddresses } from '../../src/fakes/index.ts';

test('clocks move when told, the wall clock also alone', () => {
  const clocks = new FakeClocks(5, 1000);
  clocks.advance(2.5);
  clocks.stepWall(-100);
  expect([clocks.boottimeMs(), clocks.wallMs()]).toEqual([7.5, 902.5]);
  expect(() => clocks.advance(-1)).toThrow(RangeError);
});

test('virtual addresses keep what is raised and what was done', () => {
  const addresses = new FakeVirtualAddresses();
  addresses.raise('10.0.0.1');
  addresses.announce('10.0.0.1', 2);
  addresses.destroySockets('10.0.0.1');
  expect([...addresses.raised]).toEqual(['10.0.0.1']);
  addresses.withdraw('10.0.0.1');
  addresses.close();
  expect(addresses.raised.size).toBe(0);
  expect(addresses.actions.map(({ action }) => action)).toEqual([
    'raise',
    'announce',
    'announce',
    'destroySockets',
    'withdraw',
  ]);
  expect(addresses.isClosed).toBe(true);
});
