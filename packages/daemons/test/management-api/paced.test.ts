// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Paced } from '../../src/management-api/paced.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('at once, then at most once per interval, and never lost', () => {
  let runs = 0;
  const paced = new Paced(250, () => {
    runs += 1;
  });
  paced.request();
  expect(runs).toBe(1);
  for (let i = 0; i < 50; i++) paced.request();
  vi.advanceTimersByTime(249);
  expect(runs).toBe(1);
  vi.advanceTimersByTime(1);
  expect(runs).toBe(2);
  vi.advanceTimersByTime(10_000);
  expect(runs).toBe(2);
  paced.request();
  expect(runs).toBe(3);
});

test('a constant flow runs four times a second', () => {
  let runs = 0;
  const paced = new Paced(250, () => {
    runs += 1;
  });
  for (let ms = 0; ms < 2_000; ms++) {
    paced.request();
    vi.advanceTimersByTime(1);
  }
  expect(runs).toBe(9);
});

test('stop forgets what waits', () => {
  let runs = 0;
  const paced = new Paced(250, () => {
    runs += 1;
  });
  paced.request();
  paced.request();
  paced.stop();
  vi.advanceTimersByTime(1_000);
  expect(runs).toBe(1);
});
