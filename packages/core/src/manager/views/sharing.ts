// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../../declared/set.ts';
import type { PoolSharingView } from '../../management/sharing-views.ts';
import type { Observed } from '../../planner/observed.ts';
import { settlementOf } from '../../planner/sharing.ts';
import { lastResortMsOf } from '../../state-level/carried.ts';
import { levelWords, lossWords, slotLossWords } from '../../state-level/words.ts';

/** The level on record, and why it is this one now; null: the pool asks for nothing. */
export function poolSharingView(pool: DeclaredPool, observed: Observed): PoolSharingView | null {
  const settlement = settlementOf(pool, observed);
  if (settlement === null || pool.sharing === undefined) return null;
  const record = observed.sharing?.find((each) => each.pool === pool.name);
  const level = record?.level ?? settlement.level;
  const isKept = settlement.level === null && record !== undefined;
  return {
    method: level?.method ?? null,
    level: level ? levelWords(level) : 'refused',
    reason: isKept ? `it was settled before; now nothing could be: ${settlement.reason}` : settlement.reason,
    loses: level ? slotLossWords(level, pool) : lossWords('everything'),
    since: record?.sinceMs ?? null,
    lastResortMs: level ? lastResortMsOf(level, pool.sharing) : null,
    notUsed: settlement.notTaken.map(({ instance, level: words, rule, verdict }) => ({
      by: instance,
      level: words,
      rule,
      verdict,
    })),
  };
}
