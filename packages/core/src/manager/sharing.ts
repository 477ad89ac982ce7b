// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSet } from '../declared/set.ts';
import { versionName } from '../planner/documents.ts';
import type { Observed } from '../planner/observed.ts';
import { settlementAlone, settlementOf } from '../planner/sharing.ts';
import { changesBetween } from '../state-level/changes.ts';
import { explainSettlement } from '../state-level/explain.ts';
import type { Settlement } from '../state-level/settle.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * Of a declaration with a pool that would have no level of state sharing: by what it declares alone, or while instances of
 * its former version run beside those of the new one; or one that running instances cannot follow.
 *
 * @param former What was declared before
 * @param observed With the upgrades that the declaration begins
 */
export function sharingRefusal(
  declared: DeclaredSet,
  former: DeclaredSet | null,
  observed: Observed,
): Refusal | undefined {
  for (const pool of declared.pools) {
    const alone = settlementAlone(pool);
    const now = settlementOf(pool, observed);
    if (alone === null || now === null || pool.sharing === undefined) continue;
    const { sharing } = pool;
    const textOf = (settlement: Settlement): string => explainSettlement(settlement, sharing);
    if (alone.level === null)
      return refuse('NOT_SETTLED', `Pool ${pool.name} cannot share its state as it asks. ${textOf(alone)}`);
    if (now.level === null) {
      const message = `While ${pool.name} is upgraded, instances of both versions have to share their state, and cannot as it asks. Declare a sharing that both can do first, or a method that both offer behind the others. ${textOf(now)}`;
      return refuse('NOT_SETTLED', message);
    }
    const before = former?.pools.find(({ name }) => name === pool.name);
    const record = observed.sharing?.find((each) => each.pool === pool.name);
    // Another version starts every instance again.
    if (!record || !before || versionName(before) !== versionName(pool)) continue;
    const [change] = changesBetween(record.level, now.level).filter(({ needsRestart }) => needsRestart);
    if (change === undefined) continue;
    const message = `Instances of ${pool.name} run with ${change.axis} ${change.from} and cannot go over to ${change.to} as they are: ${change.reason}. Declare another version of the function with it; a variable in its environment will do.`;
    return refuse('NOT_SETTLED', message);
  }
  return undefined;
}
