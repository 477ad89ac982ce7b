// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import { askOf } from '../state-level/ask.ts';
import type { InstanceOffers } from '../state-level/candidates.ts';
import { explainSettlement } from '../state-level/explain.ts';
import { offersOf } from '../state-level/offers.ts';
import { type Settlement, settle } from '../state-level/settle.ts';
import { levelWords } from '../state-level/words.ts';
import type { Decision } from './actions.ts';
import { versionName } from './documents.ts';
import { fingerprint } from './fingerprint.ts';
import { indexed } from './indexed.ts';
import type { Observed } from './observed.ts';
import { instancesOf } from './surplus.ts';
import { wantedOf } from './upgrade-record.ts';

/*
 * One level for each pool that asks for state sharing. Instances of one version offer the same, so that versions are asked,
 * not instances: the declared one, and amid an upgrade all that an instance runs, is to run or may go back to. A level thus
 * changes when an upgrade begins, before anybody runs the new version, and when it is over.
 */

/** What the pool's instances can do together now; null: the pool asks for nothing. */
export function settlementOf(pool: DeclaredPool, observed: Observed): Settlement | null {
  if (pool.sharing === undefined) return null;
  const mine = indexed(observed).instancesOf(pool.name);
  return settle(askOf(pool.sharing, pool), offersNow(pool, observed), mine.length || instancesOf(pool));
}

/** What its function could do alone, before anything runs; null: the pool asks for nothing. */
export function settlementAlone(pool: DeclaredPool): Settlement | null {
  return settlementOf(pool, { councils: [], nodes: [], instances: [], slots: [], strays: [], upgrades: [] });
}

/** Versions in play, each with what it offers. */
function offersNow(pool: DeclaredPool, { instances, upgrades }: Observed): readonly InstanceOffers[] {
  const { sharing } = pool;
  if (sharing === undefined) return [];
  const record = upgrades.find((each) => each.pool === pool.name);
  const declared = versionName(pool);
  const mine = instances.filter((each) => each.pool === pool.name);
  const names = new Set([
    ...(record?.from ? [record.from] : []),
    ...mine.flatMap((each) => [
      ...(each.version === null ? [] : [each.version]),
      ...(record ? [wantedOf(record, each)] : []),
    ]),
  ]);
  names.delete(declared);
  // Of a version that was told by an earlier release and is not on record nothing is known: it is being replaced.
  const others = [...names].sort().flatMap((name) => {
    const version = record?.versions[name];
    const title = name === record?.from ? 'the former version' : `version ${name.slice(0, 4)}`;
    return version
      ? [{ instance: `${title} of ${pool.name}`, levels: offersOf(version.function, sharing) }]
      : [];
  });
  const own = others.length === 0 ? pool.name : `the new version of ${pool.name}`;
  return [{ instance: own, levels: offersOf(pool.function, sharing) }, ...others];
}

/** Levels that are not what is on record. One that cannot be settled any more stays as it was. */
export function decideSharing(declared: DeclaredSet, observed: Observed): Decision[] {
  const records = observed.sharing ?? [];
  const gone = records
    .filter(({ pool }) => !declared.pools.some(({ name, sharing }) => name === pool && sharing !== undefined))
    .map(({ pool }) => ({
      type: 'settle-sharing' as const,
      pool,
      level: null,
      reason: `pool ${pool} does not ask for state sharing any more`,
    }));
  const settled = declared.pools.flatMap((pool): Decision[] => {
    const settlement = settlementOf(pool, observed);
    const former = records.find((each) => each.pool === pool.name);
    if (!settlement?.level || (former && fingerprint(former.level) === fingerprint(settlement.level)))
      return [];
    const { level, reason } = settlement;
    return [{ type: 'settle-sharing', pool: pool.name, level, reason }];
  });
  return [...gone, ...settled];
}

/** The level of a pool in words, and why there is no other, a line each; empty: the pool asks for nothing. */
export function sharingLines(pool: DeclaredPool, observed: Observed): string[] {
  const settlement = settlementOf(pool, observed);
  if (settlement === null || pool.sharing === undefined) return [];
  const [head = '', ...rest] = explainSettlement(settlement, pool.sharing).split('\n');
  const record = observed.sharing?.find((each) => each.pool === pool.name);
  const kept = settlement.level === null && record ? [`  goes on by ${levelWords(record.level)}`] : [];
  return [`State sharing, ${head}`, ...kept, ...rest.map((line) => `  ${line}`)];
}
