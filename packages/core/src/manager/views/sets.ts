// SPDX-License-Identifier: Apache-2.0
import type { SetView } from '../../management/views.ts';
import { reachableMembers } from '../council.ts';
import type { ManagerState } from '../state.ts';
import { poolViews } from './pools.ts';

export function setViews(state: ManagerState, nowMs: number, mode: SetView['mode']): SetView[] {
  const { set } = state;
  if (!set) return [];
  const members = set.council?.members ?? set.declared.council;
  const healths = poolViews(state, nowMs).map(({ health }) => health);
  const { version, next, forced } = set.council ?? {};
  return [
    {
      name: set.declared.name,
      mode,
      generation: set.generation,
      appliedAt: set.appliedAtMs,
      pools: set.declared.pools.map(({ name }) => name),
      nodes: set.declared.nodes.map(({ name }) => name),
      council: {
        version: version ? `${version.generation}.${version.number}` : '0.0',
        members,
        reachable: reachableMembers(state, members).length,
        next: next?.members ?? null,
        voiceless: members.filter((name) => (state.lives.get(name)?.council?.voiceless ?? 0) > 0),
        forced: forced ? { at: forced.atMs, over: forced.over, dead: forced.dead } : null,
      },
      frozen: state.frozen && { since: state.frozen.sinceMs, reason: state.frozen.reason },
      health: healths.includes('down') ? 'down' : healths.includes('degraded') ? 'degraded' : 'whole',
    },
  ];
}
