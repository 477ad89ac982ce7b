// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type { FailoverView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatAgo, formatClock, formatMs } from '../model/format.ts';
import {
  describeFailover,
  describeSources,
  explainCause,
  explainClass,
  explainFencing,
} from '../model/timeline.ts';
import { FailoverTimeline } from './failover-timeline.tsx';

interface FailoverPanelProps {
  /** Newest first. */
  readonly failovers: readonly FailoverView[];
  readonly now: number;
}

/** The newest failover, or the older one that was chosen, until the newest is chosen again. */
export function FailoverPanel({ failovers, now }: FailoverPanelProps): JSX.Element {
  const [chosen, setChosen] = useState<string | null>(null);
  const newest = failovers[0];
  const shown = failovers.find((failover) => failover.id === chosen) ?? newest;
  return (
    <section class="panel" aria-labelledby="failover-title">
      <h2 id="failover-title">Failovers</h2>
      {shown === undefined ? (
        <p class="card label">
          None yet. Kill or pause the active instance’s node, and its steps show up here.
        </p>
      ) : (
        <div class="card failover">
          <Failover failover={shown} newest={shown === newest} now={now} />
          {failovers.length > 1 && (
            <ol class="failover-list" aria-label="All failovers, newest first">
              {failovers.map((failover) => (
                <li key={failover.id}>
                  <button
                    type="button"
                    aria-current={failover === shown}
                    onClick={() => setChosen(failover === newest ? null : failover.id)}
                  >
                    <span class="mono label">{formatClock(failover.steps[0]?.at ?? 0).slice(0, 8)}</span>
                    <span>
                      {failover.pool}/{failover.slot} to <strong>{failover.to}</strong>
                    </span>
                    <span class="number">
                      {failover.outageMs === null ? 'not measured' : formatMs(Math.round(failover.outageMs))}
                    </span>
                  </button>
                </li>
              ))}
            </ol>
          )}
        </div>
      )}
    </section>
  );
}

function Failover({
  failover,
  newest,
  now,
}: {
  readonly failover: FailoverView;
  readonly newest: boolean;
  readonly now: number;
}): JSX.Element {
  const at = failover.steps[0]?.at;
  return (
    <>
      <div class="failover-head">
        <div>
          <p class="label">
            {newest ? 'Latest' : 'Older'}
            {at !== undefined && `, ${formatClock(at)}, ${formatAgo(now - at)}`}
          </p>
          <h3>{describeFailover({ ...failover, outageMs: null })}</h3>
        </div>
        <p class="outage-figure">
          {failover.outageMs === null ? (
            <span class="label">outage not measured</span>
          ) : (
            <>
              <strong data-testid="outage">{formatMs(Math.round(failover.outageMs))}</strong>
              <span class="label">
                outage seen by traffic
                {failover.failedRequests !== null && `, ${failover.failedRequests} requests failed`}
              </span>
            </>
          )}
        </p>
      </div>
      <FailoverTimeline failover={failover} />
      <p class="label">{describeSources(failover)}.</p>
      <dl class="facts">
        <div class="wide">
          <dt>Cause</dt>
          <dd>{explainCause(failover.cause)}</dd>
        </div>
        {failover.class !== undefined && (
          <div class="wide">
            <dt>What failed</dt>
            <dd data-testid="failure-class">
              {explainClass(failover.class)}
              {failover.evidence !== undefined && `: ${failover.evidence}`}
            </dd>
          </div>
        )}
        {failover.acceptedLoss && (
          <div class="wide">
            <dt>Accepted by an operator</dt>
            <dd class="text-bad">{failover.acceptedLoss.words}</dd>
          </div>
        )}
        <div class="wide">
          <dt>Fence</dt>
          <dd>{explainFencing(failover)}</dd>
        </div>
        <div>
          <dt>Epoch</dt>
          <dd class="mono">{formatEpoch(failover.epoch)}</dd>
        </div>
      </dl>
    </>
  );
}
