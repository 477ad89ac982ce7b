// SPDX-License-Identifier: Apache-2.0
import type { Outage } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { formatClock, formatMs } from '../model/format.ts';
import { answeredPerSecond, outageMs } from '../model/traffic-window.ts';
import { Badge } from './badge.tsx';
import { TrafficChart } from './traffic-chart.tsx';
import type { TrafficSource } from './use-live.ts';
import { type ServerClock, useNow } from './use-now.ts';

interface TrafficPanelProps {
  readonly traffic: readonly TrafficSource[];
  readonly clock: ServerClock;
}

export function TrafficPanel({ traffic, clock }: TrafficPanelProps): JSX.Element {
  return (
    <section class="panel" aria-labelledby="traffic-title">
      <h2 id="traffic-title">Live traffic</h2>
      {traffic.length === 0 && <p class="label">No traffic source runs, so outages are not measured.</p>}
      {traffic.map((source) => (
        <Source key={`${source.view.source} ${source.view.pool}`} source={source} clock={clock} />
      ))}
    </section>
  );
}

/** A report is due every second: without one for longer, the source itself is gone. */
const silentMsMax = 3000;

function Source({
  source,
  clock,
}: {
  readonly source: TrafficSource;
  readonly clock: ServerClock;
}): JSX.Element {
  const { view, buckets } = source;
  const now = useNow(clock, 200);
  const silent = now - view.updatedAt > silentMsMax;
  return (
    <article class="card traffic" aria-label={`Traffic to ${view.pool}`}>
      <header>
        <h3>
          {view.pool} <span class="label mono">{view.target}</span>
        </h3>
        {silent ? (
          <Badge tone="quiet" icon="none" text="source is silent" />
        ) : view.failingSince === null ? (
          <Badge tone="good" icon="good" text="answered" />
        ) : (
          <Badge
            tone="bad"
            icon="bad"
            text={`failing for ${formatMs(Math.max(0, Math.round(now - view.failingSince)))}`}
          />
        )}
      </header>
      <TrafficChart buckets={buckets} history={view.history} failingSince={view.failingSince} now={now} />
      <p class="label">
        {answeredPerSecond(buckets, now)} answered in the last second · one request every{' '}
        {formatMs(view.intervalMs)}, deadline {formatMs(view.deadlineMs)} · latency{' '}
        {formatMs(view.latencyMsP50)} median, {formatMs(view.latencyMsP99)} at 99 %
      </p>
      <OutageList pool={view.pool} history={view.history} />
    </article>
  );
}

const outagesShown = 4;

function OutageList({
  pool,
  history,
}: {
  readonly pool: string;
  readonly history: readonly Outage[];
}): JSX.Element {
  if (history.length === 0) return <p class="label">No outage measured.</p>;
  return (
    <table class="outages">
      <caption class="unseen">Outages of {pool}, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Outage began</th>
          <th scope="col" class="number">
            Lasted
          </th>
          <th scope="col" class="number">
            Requests failed
          </th>
        </tr>
      </thead>
      <tbody>
        {history
          .slice(-outagesShown)
          .reverse()
          .map((outage) => (
            <tr key={outage.lastOkAt}>
              <td class="mono">{formatClock(outage.lastOkAt)}</td>
              <td class="number">
                <strong>{formatMs(Math.round(outageMs(outage)))}</strong>
              </td>
              <td class="number">{outage.failed}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
