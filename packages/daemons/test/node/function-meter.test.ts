// SPDX-License-Identifier: Apache-2.0
import { tmpdir } from 'node:os';
import type { FunctionGroup, GroupStatistics } from '@vnfpool/platform/cgroups';
import { expect, test } from 'vitest';
import { FunctionMeter } from '../../src/node/function-meter.ts';
import { Rate, RunningAverage } from '../../src/node/running-average.ts';
import { FreeMeter } from '../../src/node/storage-meter.ts';

const idle: GroupStatistics = {
  cpuMs: 0,
  throttledMs: 0,
  memoryBytes: 40 << 20,
  memoryPeakBytes: 41 << 20,
  memoryKills: 0,
  refusedStarts: 0,
  processes: 1,
  threads: 2,
  waiting: 0,
  diskReadBytes: 0,
  diskWrittenBytes: 0,
};

/** A meter over a group that uses what the test says. */
function createMeter(limits = {}) {
  let now = idle;
  const group = { statistics: () => now } as FunctionGroup;
  const meter = new FunctionMeter(group, limits, new FreeMeter(() => tmpdir()));
  const sample = (atMs: number, part: Partial<GroupStatistics>, traffic: [number, number] | null = null) => {
    now = { ...now, ...part };
    if (traffic) meter.countTraffic(atMs, { receivedBytes: traffic[0], sentBytes: traffic[1] });
    return meter.sample(atMs);
  };
  return { meter, sample };
}

test('processors are told from the second sample on; a load is a share of what it may use', () => {
  const { meter, sample } = createMeter({ processors: 0.5 });
  expect(meter.usage).toBeNull();
  expect(meter.information()).toEqual({});
  expect(sample(0, {}).processors).toBeNull();
  expect(meter.loadFraction).toBe(0);
  expect(sample(1_000, { cpuMs: 250 }).processors).toBe(0.25);
  expect(meter.loadFraction).toBe(0.5);
  sample(2_000, { cpuMs: 2_250 });
  expect(meter.loadFraction).toBe(1);
});

test('memory: what it uses, and the rest of its limit', () => {
  const { meter, sample } = createMeter({ memoryBytes: 64 << 20 });
  sample(0, {});
  expect(meter.information()).toMatchObject({
    memoryBytes: BigInt(40 << 20),
    memoryFreeBytes: BigInt(24 << 20),
  });
  sample(1_000, { memoryBytes: null });
  expect(meter.information()).not.toHaveProperty('memoryBytes');
});

test('the load is what waits now, its average begins at none and follows', () => {
  const { meter, sample } = createMeter();
  sample(0, { waiting: 4 });
  expect(meter.information()).toMatchObject({ load: 4, loadAverage: 0 });
  sample(60_000, {});
  expect(meter.information().loadAverage).toBeCloseTo(4 * (1 - Math.exp(-1)), 3);
});

test('bandwidth is told where traffic is counted, in both directions together', () => {
  const { meter, sample } = createMeter();
  sample(0, {});
  sample(1_000, {});
  expect(meter.information()).not.toHaveProperty('bandwidthUsedBitsPerSecond');
  sample(2_000, {}, [0, 0]);
  const usage = sample(3_000, {}, [1_000, 500]);
  expect([usage.receivedBitsPerSecond, usage.sentBitsPerSecond]).toEqual([8_000, 4_000]);
  expect(meter.information()).toMatchObject({
    bandwidthUsedBitsPerSecond: 12_000n,
    bandwidthAverageBitsPerSecond: 12_000n,
  });
});

test('a counter that began anew is no rate; a clock that stands still neither', () => {
  const rate = new Rate();
  rate.take(100, 0);
  rate.take(50, 1_000);
  expect(rate.perSecond).toBeNull();
  rate.take(150, 2_000);
  expect(rate.perSecond).toBe(100);
  rate.take(200, 2_000);
  expect(rate.perSecond).toBeNull();
  expect(new RunningAverage().value).toBeNull();
});
