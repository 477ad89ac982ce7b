// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import { useEffect, useRef } from 'preact/hooks';
import { describeFailover } from '../model/timeline.ts';
import type { Notice } from './use-notices.ts';

/** Tells of failovers that happen while the page is open, and again once their outage is measured. */
export function useFailoverNews(
  failovers: readonly FailoverView[] | undefined,
  tell: (notice: Notice) => void,
): void {
  const told = useRef<Map<string, string> | null>(null);
  useEffect(() => {
    if (failovers === undefined) return;
    const known = told.current;
    const now = new Map(failovers.map((failover) => [failover.id, describeFailover(failover)]));
    told.current = now;
    if (known === null) return;
    for (const [id, text] of [...now].reverse()) {
      if (known.get(id) !== text) tell({ key: `failover ${id}`, tone: 'accent', text });
    }
  }, [failovers, tell]);
}
