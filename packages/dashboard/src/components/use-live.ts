// SPDX-License-Identifier: Apache-2.0
import type { StateView, TrafficView } from '@vnfpool/core/management';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Live, type LiveStatus, openLive } from '../api/live.ts';
import { type Bucket, extendWindow } from '../model/traffic-window.ts';
import type { ServerClock } from './use-now.ts';

export interface TrafficSource {
  readonly view: TrafficView;
  readonly buckets: readonly Bucket[];
}

export interface LiveData {
  readonly status: LiveStatus;
  readonly state: StateView | null;
  readonly traffic: readonly TrafficSource[];
  /** Every age on the page is told by it. */
  readonly clock: ServerClock;
  readonly retry: () => void;
}

/** Follows the stream with this token; null waits for one. */
export function useLive(token: string | null): LiveData {
  const [status, setStatus] = useState<LiveStatus>({ kind: 'connecting' });
  const [state, setState] = useState<StateView | null>(null);
  const [traffic, setTraffic] = useState<readonly TrafficSource[]>([]);
  const [clock, setClock] = useState<ServerClock>({ offsetMs: 0, stoppedAt: null });
  const live = useRef<Live | null>(null);

  useEffect(() => {
    if (token === null) return;
    const takeTraffic = (views: readonly TrafficView[]): void => {
      setTraffic((known) => mergeTraffic(known, views));
    };
    const opened = openLive(token, {
      status: (next) => {
        setStatus(next);
        if (next.kind === 'lost') setClock(stopClock);
      },
      state: (next) => {
        setState(next);
        setClock({ offsetMs: next.at - Date.now(), stoppedAt: null });
        takeTraffic(next.traffic);
      },
      traffic: takeTraffic,
    });
    live.current = opened;
    const retry = (): void => opened.retry();
    globalThis.addEventListener('online', retry);
    return () => {
      globalThis.removeEventListener('online', retry);
      opened.close();
    };
  }, [token]);

  const retry = useCallback(() => live.current?.retry(), []);
  return { status, state, traffic, clock, retry };
}

function stopClock(clock: ServerClock): ServerClock {
  return clock.stoppedAt === null ? { ...clock, stoppedAt: Date.now() + clock.offsetMs } : clock;
}

/** Keeps each source's window; a source that is no longer told goes. */
function mergeTraffic(
  known: readonly TrafficSource[],
  views: readonly TrafficView[],
): readonly TrafficSource[] {
  return views.map((view) => {
    const old = known.find(({ view: { source, pool } }) => source === view.source && pool === view.pool);
    // A state and a traffic event may cross: an older view must not put the chart back.
    if (old !== undefined && old.view.updatedAt > view.updatedAt) return old;
    return { view, buckets: extendWindow(old?.buckets ?? [], view.series) };
  });
}
