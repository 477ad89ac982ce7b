// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { median, quantile, spreadOf } from '../../src/evaluate/statistics.ts';

test('quantiles lie between neighbours, whatever the order', () => {
  expect(quantile([4, 1, 3, 2], 0)).toBe(1);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(quantile([10, 0], 0.99)).toBeCloseTo(9.9);
  expect(median([])).toBeNaN();
});

test('a spread has its most; of nothing there is none', () => {
  const samples = Array.from({ length: 101 }, (_, at) => 100 - at);
  expect(spreadOf(samples)).toEqual({ p50: 50, p99: 99, most: 100, samples: 101 });
  expect(spreadOf([])).toBeNull();
});
