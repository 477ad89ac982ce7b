// SPDX-License-Identifier: Apache-2.0

import { formatEpoch } from '@vnfpool/core';
import type { FailoverView } from '@vnfpool/core/management';
import { showAge, showDuration } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const failoverColumns: readonly Column<FailoverView>[] = [
  { title: 'ID', cell: (it) => it.id },
  { title: 'SLOT', cell: (it) => `${it.pool}/${it.slot}` },
  { title: 'EPOCH', cell: (it) => formatEpoch(it.epoch), align: 'right' },
  { title: 'FROM', cell: (it) => it.from ?? 'nobody' },
  { title: 'TO', cell: (it) => it.to },
  { title: 'OUTAGE', cell: (it) => (it.outageMs === null ? '' : showDuration(it.outageMs)), align: 'right' },
  { title: 'FAILED', cell: (it) => String(it.failedRequests ?? ''), align: 'right' },
  { title: 'WHEN', cell: (it, now) => when(it, now) },
  { title: 'TOOK', cell: tookText, align: 'right', wide: true },
  { title: 'FENCED BY', cell: (it) => it.fencedBy, wide: true },
  { title: 'CLASS', cell: (it) => it.class ?? '' },
  { title: 'CAUSE', cell: (it) => it.cause },
];

function when(it: FailoverView, now: number): string {
  const first = it.steps[0];
  return first === undefined ? '' : `${showAge(first.at, now)} ago`;
}

function tookText(it: FailoverView): string {
  const times = it.steps.map((step) => step.at);
  return times.length === 0 ? '' : showDuration(Math.max(...times) - Math.min(...times));
}
