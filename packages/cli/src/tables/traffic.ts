// SPDX-License-Identifier: Apache-2.0
import type { TrafficView } from '@vnfpool/core/management';
import { showAge, showDuration } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const trafficColumns: readonly Column<TrafficView>[] = [
  { title: 'SOURCE', cell: (it) => it.source },
  { title: 'POOL', cell: (it) => it.pool },
  { title: 'TARGET', cell: (it) => it.target },
  {
    title: 'NOW',
    cell: (it, now) => (it.failingSince === null ? 'ok' : `failing for ${showAge(it.failingSince, now)}`),
    tone: (it) => (it.failingSince === null ? 'good' : 'bad'),
  },
  { title: 'EVERY', cell: (it) => showDuration(it.intervalMs), align: 'right' },
  { title: 'OK', cell: (it) => String(it.ok), align: 'right' },
  { title: 'FAILED', cell: (it) => String(it.failed), align: 'right' },
  { title: 'P50', cell: (it) => showDuration(it.latencyMsP50), align: 'right' },
  { title: 'P99', cell: (it) => showDuration(it.latencyMsP99), align: 'right' },
  { title: 'LAST OUTAGE', cell: lastOutage, align: 'right' },
  { title: 'WHY', cell: (it) => it.history.at(-1)?.reason ?? '', wide: true },
  { title: 'OUTAGES', cell: (it) => String(it.history.length), align: 'right', wide: true },
  { title: 'DEADLINE', cell: (it) => showDuration(it.deadlineMs), align: 'right', wide: true },
  { title: 'TOLD', cell: (it, now) => `${showAge(it.updatedAt, now)} ago`, wide: true },
];

function lastOutage(it: TrafficView): string {
  const last = it.history.at(-1);
  return last === undefined ? '' : showDuration(last.firstOkAt - last.lastOkAt);
}
