// SPDX-License-Identifier: Apache-2.0
import type { MergeablePeerReport, MergeableReport } from '@vnfpool/wire/mobility';
import { silentAfterMs } from '../gossip/silence.ts';
import type { MergedPeerView, MergedStateView } from '../management/sharing-views.ts';
import type { Journal } from './journal.ts';
import { timesWords, turnOf } from './standby-news.ts';
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
    const tell = (type: string, severity: 'info' | 'warning' | 'error', message: string): void =>
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
      const { began, ended } = turnOf(
        spellOf(before?.peers.find((each) => each.node === peer.node)),
        spellOf(peer) ?? AGREES,
      );
      if (began) tell('pool.peer-differs', 'error', differsWords(node, other, pool));
      if (ended)
        tell(
          'pool.peer-agrees',
          'info',
          `${node} and ${other} have the same mergeable state of ${pool} again.`,
        );
    }
    const damaged = (report.damaged ?? 0) - (before?.damaged ?? 0);
    if (damaged > 0)
      tell(
        'pool.memory-damaged',
        'warning',
        `${node} had ${damaged === 1 ? 'a piece' : `${damaged} pieces`} of the mergeable state of ${pool} otherwise in its memory than it came: that is taken anew from other nodes.`,
      );
    if (trouble !== '' && trouble !== before?.trouble)
      tell('pool.merge-trouble', 'warning', `The mergeable state of ${pool} at ${node}: ${trouble}.`);
  }
}

const AGREES = { isSo: false, times: 0 };

function spellOf(peer: MergeablePeerReport | undefined): { isSo: boolean; times: number } | undefined {
  return peer?.digests && { isSo: peer.digests.isDiffering, times: peer.digests.differed };
}

function differsWords(node: string, other: string, pool: string): string {
  return `${node} and ${other} know the same changes of the mergeable state of ${pool}, and have something else: one of them is to be started again.`;
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
    const { cells, bytes, replicas, steps, damaged, trouble } = report;
    const silent = silentOf(report);
    const peers = report.peers.map((peer) => ({
      node: nameOf(state, peer.node),
      behind: peer.behind,
      ...(peer.behindBytes === undefined ? {} : { behindBytes: peer.behindBytes }),
      ...(peer.behindMs === undefined ? {} : { behindMs: peer.behindMs }),
      silentMs: peer.silentMs,
      isSilent: silent.has(peer.node),
      ...(peer.digests === undefined ? {} : { digests: peer.digests }),
    }));
    const counted = {
      ...(steps === undefined ? {} : { steps }),
      ...(damaged === undefined ? {} : { damaged }),
    };
    return [{ node, at: told.atMs, cells, bytes, replicas, ...counted, trouble, peers }];
  });
}

/** What is wrong with it, in a sentence; undefined: nothing that is known. */
export function mergedTrouble(state: ManagerState, pool: string): string | undefined {
  for (const { node, trouble, peers } of mergedStateViews(state, pool) ?? []) {
    if (trouble !== '') return `The mergeable state of ${pool} at ${node}: ${trouble}.`;
    const silent = peers.find(({ isSilent }) => isSilent);
    if (silent) return `${node} hears nothing of ${silent.node} of the mergeable state of ${pool}.`;
    const differing = peers.find(({ digests }) => digests?.isDiffering === true);
    if (differing) return differsWords(node, differing.node, pool);
  }
  return undefined;
}

/**
 * `  node-a has 5 pieces, 160 octets; node-b 0 steps behind, heard 0 s ago, had the same 1 s ago`, a line a node.
 */
export function mergedLines(state: ManagerState, pool: string): string[] {
  return (mergedStateViews(state, pool) ?? []).map(({ node, cells, bytes, damaged = 0, trouble, peers }) => {
    const spoilt = damaged === 0 ? '' : `; its memory had ${damaged} of them otherwise than they came`;
    const wrong = trouble === '' ? '' : `; ${trouble}`;
    return `  ${node} has ${cells} pieces, ${bytes} octets${peers.map(peerWords).join('')}${spoilt}${wrong}`;
  });
}

function peerWords({ node, behind, behindBytes, behindMs, silentMs, digests }: MergedPeerView): string {
  const octets = behind > 0 && behindBytes !== undefined ? ` (${behindBytes} octets)` : '';
  const since = behindMs ? ` for ${behindMs / 1_000} s` : '';
  return `; ${node} ${behind} steps${octets} behind${since}, heard ${Math.floor(silentMs / 1_000)} s ago${digests ? digestWords(digests) : ''}`;
}

function digestWords({ differed, agreedMs, isDiffering }: NonNullable<MergedPeerView['digests']>): string {
  const before = differed === 0 ? '' : `, differed ${timesWords(differed)}`;
  if (isDiffering) return `${before}: it has something else`;
  return agreedMs === null
    ? `${before}, not compared yet`
    : `${before}, had the same ${agreedMs / 1_000} s ago`;
}
