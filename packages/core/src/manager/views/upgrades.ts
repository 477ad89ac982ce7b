// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../../declared/set.ts';
import type { UpgradeView } from '../../management/views.ts';
import { instanceName, type Observed } from '../../planner/observed.ts';
import { byNumber } from '../../planner/placement.ts';
import { upgradeRules } from '../../planner/upgrade.ts';
import { goalOf, wantedOf } from '../../planner/upgrade-record.ts';
import { nextWords } from '../../planner/upgrade-words.ts';

export function upgradeView(pool: DeclaredPool, observed: Observed): UpgradeView | null {
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  if (!record) return null;
  const { direction, state, from, to, proven } = record;
  const goal = goalOf(record);
  const mine = byNumber(observed.instances.filter((each) => each.pool === pool.name));
  const instances = mine.map((instance) => {
    const wanted = wantedOf(record, instance);
    return {
      name: instanceName(instance),
      version: wanted === to ? ('new' as const) : wanted === from ? ('former' as const) : ('other' as const),
      state:
        wanted !== goal
          ? ('waiting' as const)
          : proven.includes(instance.functionId)
            ? ('done' as const)
            : ('gate' as const),
    };
  });
  const { batch, gateMs, deadlineMs, onFailure } = upgradeRules(pool);
  return {
    state:
      state === 'done' ? 'rolled-back' : state === 'going' && direction === 'back' ? 'rolling-back' : state,
    reason: record.reason,
    startedAt: record.startedMs,
    goal: direction === 'forward' ? 'new' : 'former',
    done: instances.filter((each) => each.state === 'done').length,
    total: instances.length,
    next: nextWords(pool, record, observed),
    canRollBack: from !== null,
    batch,
    gateMs,
    deadlineMs,
    onFailure,
    instances,
  };
}
