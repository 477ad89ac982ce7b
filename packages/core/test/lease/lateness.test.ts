// SPDX-License-Identifier: Apache-2.0
import { stallAdvice } from '@vnfpool/core/lease';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lateness } from '../../src/lease/lateness.ts';
import { Watch } from '../../src/lease/watch.ts';

describe('lateness', () => {
  test('is unknown before it was measured', () => {
    expect(new Lateness().summary(0)).toBeUndefined();
  });

  test('tells what 99 of 100 kept and the worst, rounded up to a step', () => {
    const lateness = new Lateness();
    for (let n = 0; n < 198; n++) lateness.add(0.4, n);
    lateness.add(11, 200);
    lateness.add(40, 201);
    expect(lateness.summary(300)).toEqual({ p99Ms: 0.5, maxMs: 50 });
    lateness.add(45, 202);
    expect(lateness.summary(300)).toEqual({ p99Ms: 12, maxMs: 50 });
  });

  test('forgets what is more than five minutes old', () => {
    const lateness = new Lateness();
    lateness.add(40, 30_000);
    lateness.add(1, 250_000);
    expect(lateness.summary(299_000)).toMatchObject({ maxMs: 50 });
    expect(lateness.summary(300_000)).toMatchObject({ maxMs: 1 });
    expect(lateness.summary(700_000)).toBeUndefined();
  });

  test('bounds what a sorted list would tell', () => {
    const lates = fc.array(
      fc.integer({ min: 0, max: 5_000_000 }).map((n) => n / 100),
      { minLength: 1, maxLength: 300 },
    );
    fc.assert(
      fc.property(lates, (list) => {
        const lateness = new Lateness();
        for (const ms of list) lateness.add(ms, 0);
        const sorted = list.toSorted((a, b) => a - b);
        const told = lateness.summary(0);
        const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] as number;
        return told !== undefined && told.p99Ms >= p99 && told.maxMs >= (sorted.at(-1) as number);
      }),
    );
  });
});

describe('a watch', () => {
  test('wants to be called soon even when nothing is due', () => {
    const watch = new Watch();
    expect(watch.arm(undefined)).toBeUndefined();
    watch.shortestLeaseMs = 300;
    expect(watch.lateMs(1_000)).toBeUndefined();
    expect(watch.arm(undefined)).toBe(1_050);
    expect(watch.arm(1_020)).toBe(1_020);
  });

  test.each([24, 300, 3_000])('with leases of %i ms sees every pause that could cost one', (leaseMs) => {
    const part = (least: number) => fc.integer({ min: least, max: 10_000 }).map((n) => (n * leaseMs) / 1000);
    const pause = part(640);
    const next = part(0);
    fc.assert(
      fc.property(pause, next, (pauseMs, nextMs) => {
        const watch = new Watch();
        watch.shortestLeaseMs = leaseMs;
        watch.lateMs(1_000);
        watch.arm(1_000 + nextMs);
        return watch.lateMs(1_000 + pauseMs) !== undefined;
      }),
    );
  });

  test('what was due before it was known is not late', () => {
    const watch = new Watch();
    watch.shortestLeaseMs = 300;
    watch.lateMs(1_000);
    watch.arm(0);
    expect(watch.lateMs(1_001)).toBeUndefined();
  });
});

describe('advice', () => {
  test.each([
    [24, 8, undefined],
    [24, 12, /bears 8 ms: profile normal fits/],
    [300, 150, /bears 100 ms: profile calm fits/],
    [3_000, 2_000, /no profile fits/],
  ])('a lease of %i ms on a host that stalls for %i ms', (leaseMs, maxMs, told) => {
    const advice = stallAdvice(leaseMs, { p99Ms: 1, maxMs });
    if (told === undefined) expect(advice).toBeUndefined();
    else expect(advice).toMatch(told);
  });
});
