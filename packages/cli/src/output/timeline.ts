// SPDX-License-Identifier: Apache-2.0

import { formatEpoch } from '@vnfpool/core';
import type { FailoverView } from '@vnfpool/core/management';
import { showDuration } from './duration.ts';
import type { Paint } from './paint.ts';
import { plain } from './plain.ts';

/** Places of the drawn line. */
const WIDTH = 40;

/**
 * Draws one failover: every step with its time since the first one, as a place on a line and in milliseconds.
 *
 *     web/0  web#3 → web#1  epoch 7: lease ran out (fenced by timeout)
 *       detected       0 ms  ●                     node-a
 *       serving      +20 ms  ···················●  node-a
 *       outage 126 ms, 10 requests failed
 */
export function renderTimeline(failover: FailoverView, paint: Paint): string {
  const { steps } = failover;
  const start = Math.min(...steps.map((step) => step.at));
  const spanMs = Math.max(...steps.map((step) => step.at)) - start;
  const rows = steps.map((step) => {
    const offset = step.at - start;
    return {
      name: plain(step.name, 'one line'),
      offset: `${offset > 0 ? '+' : ''}${Number(offset.toFixed(1))} ms`,
      place: placeOf(offset, spanMs),
      source: plain(step.clock === undefined ? step.source : `${step.source} (${step.clock})`, 'one line'),
    };
  });
  const nameWidth = Math.max(0, ...rows.map((row) => row.name.length));
  const offsetWidth = Math.max(0, ...rows.map((row) => row.offset.length));
  const lines = rows.map(
    (row) =>
      `  ${row.name.padEnd(nameWidth)}  ${row.offset.padStart(offsetWidth)}  ${paint('faint', '·'.repeat(row.place))}●${' '.repeat(WIDTH - 1 - row.place)}  ${paint('faint', row.source)}`,
  );
  const title = `${failover.pool}/${failover.slot}  ${whoAndWhom(failover)}  epoch ${formatEpoch(failover.epoch)}: ${failover.cause} (${fenceText(failover)})`;
  const known =
    failover.class === undefined
      ? []
      : [`  class ${failover.class}: ${plain(failover.evidence ?? '', 'one line')}`];
  const { acceptedLoss } = failover;
  if (acceptedLoss) known.push(`  an operator accepted the loss: ${plain(acceptedLoss.words, 'one line')}`);
  return `${[paint('strong', plain(title, 'one line')), ...known, ...lines, `  ${outageText(failover)}`].join('\n')}\n`;
}

/** `web#3 → web#1`; of an instance that moved, `web#1 on node-a → node-c`. */
function whoAndWhom({ from, to, fromNode, toNode }: FailoverView): string {
  return from === to ? `${to} on ${fromNode} → ${toNode}` : `${from ?? 'nobody'} → ${to}`;
}

function fenceText({ fencedBy, from, fromNode }: FailoverView): string {
  if (fencedBy !== 'none') return `fenced by ${fencedBy}`;
  return from === null ? 'nobody to fence' : `not fenced: ${fromNode} has no fence, and no hook is declared`;
}

/** `outage 126 ms, 10 requests failed`, or why there is no number. */
export function outageText(failover: FailoverView): string {
  if (failover.outageMs === null) return 'no traffic source saw an outage';
  const failed = failover.failedRequests;
  const requests = failed === null ? '' : `, ${failed} request${failed === 1 ? '' : 's'} failed`;
  return `outage ${showDuration(failover.outageMs)}${requests}`;
}

function placeOf(offset: number, spanMs: number): number {
  return spanMs <= 0 ? 0 : Math.round((offset / spanMs) * (WIDTH - 1));
}
