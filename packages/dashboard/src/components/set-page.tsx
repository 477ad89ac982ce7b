// SPDX-License-Identifier: Apache-2.0
import type { StateView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { createRequests } from '../api/requests.ts';
import { explanationKey } from '../model/verdict.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { type Controls, createControls } from './controls.ts';
import { EventLog } from './event-log.tsx';
import { FailoverPanel } from './failover-panel.tsx';
import { Headline } from './headline.tsx';
import { LabStrip } from './lab-strip.tsx';
import { NodeCard } from './node-card.tsx';
import { NoticeStack } from './notices.tsx';
import { PageHeader } from './page-header.tsx';
import { PoolCard } from './pool-card.tsx';
import { TrafficPanel } from './traffic-panel.tsx';
import { useFailoverNews } from './use-failover-news.ts';
import { useLab } from './use-lab.ts';
import { type LiveData, useLive } from './use-live.ts';
import { useNotices } from './use-notices.ts';
import { useNow } from './use-now.ts';

interface SetPageProps {
  readonly token: string;
  readonly onRefused: () => void;
}

/** The whole page once there is a token. */
export function SetPage({ token, onRefused }: SetPageProps): JSX.Element {
  const live = useLive(token);
  const requests = useMemo(() => createRequests(token), [token]);
  const notices = useNotices();
  const { lab, refresh } = useLab(requests, live.status.kind === 'live' || live.status.kind === 'lost');
  const controls = useMemo(
    () => createControls(requests, lab, refresh, notices.tell),
    [requests, lab, refresh, notices.tell],
  );
  useFailoverNews(live.state?.failovers, notices.tell);
  useEffect(() => {
    if (live.status.kind === 'refused') onRefused();
  }, [live.status.kind, onRefused]);

  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the pools
      </a>
      <PageHeader sets={live.state?.sets ?? []} />
      <ConnectionBanner status={live.status} lastAt={live.state?.at ?? null} onRetry={live.retry} />
      <main id="main" tabIndex={-1} class={live.status.kind === 'lost' ? 'stale' : ''}>
        {live.state === null ? (
          <p class="waiting">Connecting to the manager.</p>
        ) : (
          <Panels state={live.state} live={live} controls={controls} requests={requests} />
        )}
      </main>
      <NoticeStack notices={notices} />
    </>
  );
}

/** By hand: the fragment of the address belongs to the token. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

interface PanelsProps {
  readonly state: StateView;
  readonly live: LiveData;
  readonly controls: Controls;
  readonly requests: ReturnType<typeof createRequests>;
}

function Panels({ state, live, controls, requests }: PanelsProps): JSX.Element {
  const now = useNow(live.clock, 1000);
  return (
    <>
      <Headline state={state} now={now} />
      <div class="columns">
        <section class="panel" aria-labelledby="pools-title">
          <h2 id="pools-title">Pools</h2>
          {state.pools.map((pool) => (
            <PoolCard
              key={pool.name}
              pool={pool}
              slots={state.slots.filter((slot) => slot.pool === pool.name)}
              instances={state.instances.filter((instance) => instance.pool === pool.name)}
              controls={controls}
              requests={requests}
              freshness={explanationKey(state, pool.name)}
              now={now}
            />
          ))}
        </section>
        <section class="panel" aria-labelledby="nodes-title">
          <h2 id="nodes-title">Nodes</h2>
          {state.nodes.map((node) => (
            <NodeCard
              key={node.name}
              node={node}
              instances={state.instances.filter((instance) => instance.node === node.name)}
              controls={controls}
              now={now}
            />
          ))}
          <LabStrip controls={controls} nodes={state.nodes} />
        </section>
        <div class="live">
          <TrafficPanel traffic={live.traffic} clock={live.clock} />
          <FailoverPanel failovers={state.failovers} now={now} />
        </div>
      </div>
      <EventLog events={state.events} />
    </>
  );
}
