// SPDX-License-Identifier: Apache-2.0
import type { SetView } from '../../management/views.ts';
import type { ManagerState } from '../state.ts';
import { poolViews } from './pools.ts';

export function setViews(state: ManagerState, nowMs: number, mode: SetView['mode']): SetView[] {
  const { set } = state;
  if (!set) return [];
  const members = set.council?.members ?? set.declared.council;
  const healths = poolViews(state, nowMs).map(({ health }) => health);
  const version = set.council?.version;
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
        reachable: members.filter((name) => state.lives.get(name)?.state === 'registered').length,
      },
      frozen: state.frozen && { since: state.frozen.sinceMs, reason: state.frozen.reason },
      health: healths.includes('down') ? 'down' : healths.includes('degraded') ? 'degraded' : 'whole',
    },
  ];
}
