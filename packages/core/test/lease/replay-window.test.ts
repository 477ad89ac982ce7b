// SPDX-License-Identifier: Apache-2.0
import { ReplayWindow } from '@vnfpool/core/lease';
import { expect, test } from 'vitest';

test('goes on in the next process where it was', () => {
  const former = new ReplayWindow();
  former.accept(3n, 10n);
  former.accept(3n, 12n);
  const window = new ReplayWindow(former.state);
  expect([10n, 11n, 12n, 13n].map((sequence) => window.accept(3n, sequence))).toEqual([
    'replayed',
    'fresh',
    'replayed',
    'fresh',
  ]);
  expect(window.accept(2n, 99n)).toBe('old-incarnation');
});

test('lets each sequence number in once, in any order within 64', () => {
  const window = new ReplayWindow();
  expect([10n, 12n, 11n, 12n, 10n, 11n].map((sequence) => window.accept(1n, sequence))).toEqual([
    'fresh',
    'fresh',
    'fresh',
    'replayed',
    'replayed',
    'replayed',
  ]);
  expect(window.accept(1n, 74n)).toBe('fresh');
  expect(window.accept(1n, 11n)).toBe('replayed');
  expect(window.accept(1n, 10n)).toBe('too-old');
  expect(window.accept(1n, 13n)).toBe('fresh');
});

test('forgets all when far ahead, and what is then behind is too old', () => {
  const window = new ReplayWindow();
  window.accept(1n, 1n);
  expect(window.accept(1n, 1000n)).toBe('fresh');
  expect(window.accept(1n, 999n)).toBe('fresh');
  expect(window.accept(1n, 1n)).toBe('too-old');
});

test('refuses a lower incarnation for ever, a higher one starts afresh', () => {
  const window = new ReplayWindow();
  expect(window.accept(2n, 100n)).toBe('fresh');
  expect(window.accept(1n, 101n)).toBe('old-incarnation');
  expect(window.accept(3n, 1n)).toBe('fresh');
  expect(window.accept(2n, 102n)).toBe('old-incarnation');
});
