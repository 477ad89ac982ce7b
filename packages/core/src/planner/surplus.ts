// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import { UPGRADE_DEFAULT } from '../declared/upgrade.ts';
import { indexed } from './indexed.ts';
import type { Observed, ObservedInstance } from './observed.ts';
import { goalOf, wantedOf } from './upgrade-record.ts';

/*
 * A pool whose instances all hold a slot has nobody to hand one to. While it is upgraded it gets one instance more, if a
 * node is free for it, and slots go from the former ones to the new ones in a circle; the last former one is then left over.
 */

/** Instances that are declared. */
export function instancesOf({ redundancy }: Pick<DeclaredPool, 'redundancy'>): number {
  return redundancy.instances ?? redundancy.slots + redundancy.standbys + redundancy.spares;
}

/** Instances share the slots, and nobody only waits. */
export function isNWay({ redundancy }: DeclaredPool): boolean {
  return redundancy.instances !== undefined;
}

/** How many slots one instance may hold at a time. */
export function slotsPerInstance({ redundancy }: Pick<DeclaredPool, 'redundancy'>): number {
  return redundancy.slotsPerInstance ?? 1;
}

/** Instances that there are to be now. */
export function instancesWanted(pool: DeclaredPool, observed: Observed): number {
  const declared = instancesOf(pool);
  const { surplus } = pool.upgrade ?? UPGRADE_DEFAULT;
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  if (!surplus || !record || record.state === 'done' || isNWay(pool) || declared > pool.redundancy.slots)
    return declared;
  return isEnough(pool, observed) ? declared : declared + 1;
}

/** Whether any instance could take the slot of another one. */
export function hasSuccessors(pool: DeclaredPool, observed: Observed): boolean {
  return indexed(observed).instancesOf(pool.name).length > pool.redundancy.slots;
}

/** An instance of a version that is being left: of too many it goes first. */
export function isReplaced(instance: ObservedInstance, observed: Observed): boolean {
  const record = observed.upgrades.find((each) => each.pool === instance.pool);
  return record !== undefined && wantedOf(record, instance) !== goalOf(record);
}

/** As many as are declared run what the upgrade is heading for, and whoever else there is holds nothing. */
function isEnough(pool: DeclaredPool, observed: Observed): boolean {
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  if (!record) return true;
  const holders = new Set(observed.slots.map(({ holder }) => holder));
  const mine = indexed(observed).instancesOf(pool.name);
  const there = mine.filter(
    (each) => wantedOf(record, each) === goalOf(record) && record.proven.includes(each.functionId),
  );
  return (
    there.length >= instancesOf(pool) &&
    mine.every((each) => there.includes(each) || !holders.has(each.functionId))
  );
}
