// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type { ExplainView, FailbackView, SlotExplainView } from '@vnfpool/core/management';
import { showAge, showDuration } from './duration.ts';
import type { Paint } from './paint.ts';
import { plain } from './plain.ts';
import { sharingLines } from './sharing.ts';
import { renderTimeline } from './timeline.ts';

type Candidate = ExplainView['slots'][number]['candidates'][number];

export function renderPool(view: ExplainView, now: number, paint: Paint): string {
  const lines = view.lines.map((line) => plain(line, 'one line'));
  for (const slot of view.slots) {
    const holder = slot.holder ?? 'nobody';
    const title = paint('strong', `slot ${view.pool}/${slot.index}`);
    lines.push('', `${title}  ${holder}: ${plain(slot.why, 'one line')}`);
    lines.push(
      ...sharingLines(slot.sharing, now),
      ...candidateLines(slot.candidates),
      ...failbackLine(slot.failback ?? null, now),
    );
  }
  return `${lines.join('\n')}\n`;
}

/**
 *     slot web/0  held by web#2 on node-b for 12 s, epoch 1.7, lease 300 ms
 *       web#2 took it from web#1 because the lease ran out: a majority of the council granted it the lease.
 *       3 of 3 members of the council answer (2 are needed): leases can be granted.
 *
 *       1. web#2  node-b  holds it; ready
 *       2. web#1  node-a  node-a is lost   [rule: node]
 */
export function renderSlot(view: SlotExplainView, now: number, paint: Paint): string {
  const epoch = `epoch ${formatEpoch(view.epoch)}, lease ${showDuration(view.leaseMs)}`;
  const since = view.since === null ? '' : ` for ${showAge(view.since, now)}`;
  const by = view.isUnheard ? 'last held by' : 'held by';
  const held = view.holder === null ? 'held by nobody' : `${by} ${view.holder} on ${view.node}${since}`;
  const nodeWidth = Math.max(0, ...view.candidates.map(({ node }) => node.length));
  const lines = [
    `${paint('strong', `slot ${view.pool}/${view.index}`)}  ${plain(held, 'one line')}, ${epoch}`,
    `  ${plain(view.why, 'one line')}`,
    `  ${plain(view.council, 'one line')}`,
    ...sharingLines(view.sharing, now),
    ...(view.frozen === null ? [] : [`  Frozen: ${plain(view.frozen, 'one line')}.`]),
    '',
    ...candidateLines(
      view.candidates.map(({ name, rank, node, rule, verdict }) => ({
        name,
        rank,
        verdict: `${node.padEnd(nodeWidth)}  ${verdict}${rule === null ? '' : `   [rule: ${rule}]`}`,
      })),
    ),
    ...failbackLine(view.failback, now),
  ];
  const text = `${lines.join('\n')}\n`;
  if (view.lastFailover === null) return text;
  return `${text}\n${paint('faint', 'LAST FAILOVER')}\n${renderTimeline(view.lastFailover, paint)}`;
}

function candidateLines(candidates: readonly Candidate[]): string[] {
  if (candidates.length === 0) return ['  no candidates'];
  const nameWidth = Math.max(0, ...candidates.map(({ name }) => name.length));
  return candidates.map(
    ({ rank, name, verdict }) => `  ${rank}. ${name.padEnd(nameWidth)}  ${plain(verdict, 'one line')}`,
  );
}

function failbackLine(failback: FailbackView | null, now: number): string[] {
  if (failback === null) return [];
  const when = failback.at <= now ? 'now' : `in ${showDuration(failback.at - now)}`;
  return [`  goes back to ${failback.to} ${when}: ${plain(failback.rule, 'one line')}`];
}
