// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createLinuxClocks, readJiffyMs } from '../../src/clocks/index.ts';

const isLinux = process.platform === 'linux';

test.skipIf(!isLinux)('the clocks are those of the kernel, finer than a millisecond', () => {
  const clocks = createLinuxClocks();
  const wallBefore = Date.now();
  const wall = clocks.wallMs();
  expect(wall).toBeGreaterThanOrEqual(wallBefore - 1);
  expect(wall).toBeLessThanOrEqual(Date.now() + 1);
  // /proc/uptime counts CLOCK_BOOTTIME in 1/100 s.
  const before = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const boot = clocks.boottimeMs();
  const after = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  expect(boot).toBeGreaterThanOrEqual(before - 10);
  expect(boot).toBeLessThanOrEqual(after + 20);
  const readings = Array.from({ length: 100 }, () => clocks.boottimeMs());
  expect(readings.some((reading) => !Number.isInteger(reading))).toBe(true);
  expect(readings.toSorted((a, b) => a - b)).toEqual(readings);
});

test.skipIf(!isLinux)('a jiffy is one of the kernel configurations', () => {
  expect([1, 10 / 3, 4, 10].some((known) => Math.abs(known - readJiffyMs()) < 0.1)).toBe(true);
});
