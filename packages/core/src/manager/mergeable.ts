// SPDX-License-Identifier: Apache-2.0
import type { MergeableReport } from '@vnfpool/wire/mobility';
import { silentAfterMs } from '../gossip/silence.ts';
import type { MergedStateView } from '../management/sharing-views.ts';
import type { Journal } from './journal.ts';
import type { ManagerState } from './state.ts';

/** What a node last told of the mergeable state of pools that it has. */
export interface ToldMergeable {
  readonly atMs: number;
  readonly reports: readonly MergeableReport[];
}

/** Takes what a node says of mergeable state; who is silent to it, or heard again, and what is wrong, is an event. */
export function takeMergeable(
  state: ManagerState,
  journal: Journal,
  node: string,
  reports: readonly MergeableReport[] = [],
  wallMs: number,
): void {
  const former = state.mergeable.get(node);
  if (reports.length > 0) state.mergeable.set(node, { atMs: wallMs, reports });
  else state.mergeable.delete(node);
  for (const report of reports) {
    const { pool, trouble } = report;
    const before = former?.reports.find((each) => each.pool === pool);
    const tell = (type: string, severity: 'info' | 'warning', message: string): void =>
      journal.event(wallMs, type, severity, `pool ${pool}`, message);
    const [silent, wasSilent] = [silentOf(report), before ? silentOf(before) : new Set<number>()];
    for (const peer of report.peers) {
      const other = nameOf(state, peer.node);
      if (silent.has(peer.node) && !wasSilent.has(peer.node))
        tell(
          'pool.peer-silent',
          'warning',
          `${node} hears nothing of ${other} of the mergeable state of ${pool}: what ${other} changes does not come to it.`,
        );
      else if (!silent.has(peer.node) && wasSilent.has(peer.node))
        tell('pool.peer-heard', 'info', `${node} hears ${other} of the mergeable state of ${pool} again.`);
    }
    if (trouble !== '' && trouble !== before?.trouble)
      tell('pool.merge-trouble', 'warning', `The mergeable state of ${pool} at ${node}: ${trouble}.`);
  }
}

function silentOf({ peers }: MergeableReport): ReadonlySet<number> {
  const afterMs = silentAfterMs(peers.length);
  return new Set(peers.filter(({ silentMs }) => silentMs >= afterMs).map(({ node }) => node));
}

function nameOf(state: ManagerState, node: number): string {
  return state.nodeById(node)?.name ?? `node ${node}`;
}

/** The mergeable state of the pool at each node that has an instance of it and told of it, by their names; undefined: it has none. */
export function mergedStateViews(state: ManagerState, pool: string): readonly MergedStateView[] | undefined {
  if (state.sharing.get(pool)?.level.method !== 'gossip') return undefined;
  const nodes = new Set(
    [...state.instances.values()].filter((each) => each.pool === pool).map(({ node }) => node),
  );
  return [...nodes].sort().flatMap((node) => {
    const told = state.mergeable.get(node);
    const report = told?.reports.find((each) => each.pool === pool);
    if (told === undefined || report === undefined) return [];
    const { cells, bytes, replicas, steps, trouble } = report;
    const silent = silentOf(report);
    const peers = report.peers.map((peer) => ({
      node: nameOf(state, peer.node),
      behind: peer.behind,
      ...(peer.behindMs === undefined ? {} : { behindMs: peer.behindMs }),
      silentMs: peer.silentMs,
      isSilent: silent.has(peer.node),
    }));
    const counted = steps === undefined ? {} : { steps };
    return [{ node, at: told.atMs, cells, bytes, replicas, ...counted, trouble, peers }];
  });
}

/** What is wrong with it, in a sentence; undefined: nothing that is known. */
export function mergedTrouble(state: ManagerState, pool: string): string | undefined {
  for (const { node, trouble, peers } of mergedStateViews(state, pool) ?? []) {
    if (trouble !== '') return `The mergeable state of ${pool} at ${node}: ${trouble}.`;
    const silent = peers.find(({ isSilent }) => isSilent);
    if (silent) return `${node} hears nothing of ${silent.node} of the mergeable state of ${pool}.`;
  }
  return undefined;
}

/** `  node-a has 5 pieces, 160 octets; node-b 0 steps behind, heard 0 s ago`, a line a node. */
export function mergedLines(state: ManagerState, pool: string): string[] {
  return (mergedStateViews(state, pool) ?? []).map(({ node, cells, bytes, trouble, peers }) => {
    const others = peers.map(
      (peer) =>
        `; ${peer.node} ${peer.behind} steps behind${peer.behindMs ? ` for ${peer.behindMs / 1_000} s` : ''}, heard ${Math.floor(peer.silentMs / 1_000)} s ago`,
    );
    const wrong = trouble === '' ? '' : `; ${trouble}`;
    return `  ${node} has ${cells} pieces, ${bytes} octets${others.join('')}${wrong}`;
  });
}
