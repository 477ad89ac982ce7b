// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import {
  answeredPerSecond,
  type Bucket,
  chartColumns,
  extendWindow,
  outageBands,
  windowMs,
} from '../../src/model/traffic-window.ts';

const bucket = (at: number, ok = 10, failed = 0): Bucket => ({ at, ok, failed });

describe('the window of traffic', () => {
  test('keeps what a report no longer carries and takes its newer numbers', () => {
    const known = [bucket(0), bucket(100), bucket(200, 3)];
    const extended = extendWindow(known, [bucket(200, 9), bucket(300)]);
    expect(extended).toEqual([bucket(0), bucket(100), bucket(200, 9), bucket(300)]);
  });

  test('an empty report changes nothing', () => {
    const known = [bucket(0)];
    expect(extendWindow(known, [])).toBe(known);
  });

  test('lets go of what is older than the window, and never grows beyond its bound', () => {
    let buckets: readonly Bucket[] = [];
    for (let at = 0; at < 3 * windowMs; at += 100) buckets = extendWindow(buckets, [bucket(at)]);
    expect(buckets[0]?.at).toBeGreaterThan(3 * windowMs - 200 - windowMs);
    expect(
      extendWindow(
        [],
        Array.from({ length: 9999 }, (_, index) => bucket(index)),
      ).length,
    ).toBe(500);
  });

  test('counts only whole buckets of the last second', () => {
    const buckets = Array.from({ length: 30 }, (_, index) => bucket(index * 100));
    expect(answeredPerSecond(buckets, 3000)).toBe(100);
    expect(answeredPerSecond(buckets, 60_000)).toBe(0);
  });

  test('failed requests hang below the line', () => {
    expect(chartColumns([bucket(1000, 4, 6)], 3000)).toEqual([[-2], [4], [-6]]);
  });

  test('shows ended outages inside the window and the running one up to now', () => {
    const history = [
      { lastOkAt: 0, firstOkAt: 100, failed: 1 },
      { lastOkAt: 95_000, firstOkAt: 95_214, failed: 11 },
    ];
    expect(outageBands(history, 99_500, 100_000)).toEqual([
      { from: -5, to: -4.786, ms: 214 },
      { from: -0.5, to: 0, ms: 500 },
    ]);
    expect(outageBands([], null, 100_000)).toEqual([]);
  });
});
