// SPDX-License-Identifier: Apache-2.0
import type { Outage, TrafficReport } from '@vnfpool/core/management';

export type Bucket = TrafficReport['series'][number];

/** What the chart shows. A report carries ten seconds at most, so the page keeps what it has seen. */
export const windowMs = 40_000;
const bucketsMax = 500;

/** Adds a report's buckets; where both have a time, the report is newer and wins. Older than the window goes. */
export function extendWindow(buckets: readonly Bucket[], series: readonly Bucket[]): readonly Bucket[] {
  const first = series[0];
  const last = series.at(-1);
  if (first === undefined || last === undefined) return buckets;
  const kept = buckets.filter((bucket) => bucket.at < first.at && bucket.at > last.at - windowMs);
  return [...kept, ...series].slice(-bucketsMax);
}

/** Requests that were answered in the last second of the window. */
export function answeredPerSecond(buckets: readonly Bucket[], now: number): number {
  return buckets
    .filter((bucket) => bucket.at > now - 1100 && bucket.at <= now - 100)
    .reduce((sum, b) => sum + b.ok, 0);
}

/** Columns for the chart: seconds before now, answered, failed (below zero, so that it hangs under the line). */
export function chartColumns(buckets: readonly Bucket[], now: number): [number[], number[], number[]] {
  return [
    buckets.map((bucket) => (bucket.at - now) / 1000),
    buckets.map((bucket) => bucket.ok),
    buckets.map((bucket) => -bucket.failed),
  ];
}

export function outageMs(outage: Outage): number {
  return outage.firstOkAt - outage.lastOkAt;
}

/** Outages that touch the window, the running one (without end) last; seconds before now. */
export function outageBands(
  history: readonly Outage[],
  failingSince: number | null,
  now: number,
): readonly { readonly from: number; readonly to: number; readonly ms: number }[] {
  const ended = history
    .filter((outage) => outage.firstOkAt > now - windowMs)
    .map((outage) => ({
      from: (outage.lastOkAt - now) / 1000,
      to: (outage.firstOkAt - now) / 1000,
      ms: outageMs(outage),
    }));
  if (failingSince === null) return ended;
  return [...ended, { from: (failingSince - now) / 1000, to: 0, ms: Math.max(0, now - failingSince) }];
}
