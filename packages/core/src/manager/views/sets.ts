// SPDX-License-Identifier: Apache-2.0
import type { CouncilView, SetView } from '../../management/views.ts';
import { councilWeakness } from '../../planner/council-losses.ts';
import { cutWords } from '../../planner/hearing.ts';
import { councilName, hearingOf, reachableMembers } from '../council.ts';
import type { SetRecord } from '../records.ts';
import type { ManagerState } from '../state.ts';
import { poolViews } from './pools.ts';

export function setViews(state: ManagerState, nowMs: number, mode: SetView['mode']): SetView[] {
  const { set } = state;
  if (!set) return [];
  const healths = poolViews(state, nowMs).map(({ health }) => health);
  return [
    {
      name: set.declared.name,
      mode,
      generation: set.generation,
      appliedAt: set.appliedAtMs,
      pools: set.declared.pools.map(({ name }) => name),
      nodes: set.declared.nodes.map(({ name }) => name),
      councils: councilViews(state, set),
      frozen: state.frozen && { since: state.frozen.sinceMs, reason: state.frozen.reason },
      health: healths.includes('down') ? 'down' : healths.includes('degraded') ? 'degraded' : 'whole',
    },
  ];
}

/** Those that were formed, and those that are to be. */
function councilViews(state: ManagerState, { councils, declared }: SetRecord): CouncilView[] {
  const formed = councils.map((council): CouncilView => {
    const { id, name, members, next, forced } = council;
    const isVoiceless = (member: string): boolean =>
      (state.lives.get(member)?.councils.find((each) => each.id === id)?.voiceless ?? 0) > 0;
    const hearing = hearingOf(state, council);
    const isCut = hearing.cuts.length > 0;
    return {
      name,
      cut: isCut ? { together: hearing.together.length, who: cutWords(hearing) } : null,
      version: councilName(council),
      members,
      reachable: reachableMembers(state, members).length,
      next: next?.members ?? null,
      voiceless: members.filter(isVoiceless),
      forced: forced ? { at: forced.atMs, over: forced.over, dead: forced.dead } : null,
      weakness: councilWeakness(council, declared),
    };
  });
  const missing = declared.councils.filter(({ name }) => !councils.some((each) => each.name === name));
  return [
    ...formed,
    ...missing.map(({ name, members }) => ({
      name,
      weakness: councilWeakness({ name, members }, declared),
      version: '0.0',
      members,
      reachable: reachableMembers(state, members).length,
      next: null,
      voiceless: [],
      forced: null,
    })),
  ];
}
