// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import { indexed } from './indexed.ts';
import { instanceName, type Observed } from './observed.ts';
import { instancesOf, isNWay } from './surplus.ts';
import { nextStep, upgradeRules } from './upgrade.ts';
import { goalOf, type UpgradeRecord, wantedOf } from './upgrade-record.ts';

/** How instances of the pool are replaced. */
export function rulesWords(pool: DeclaredPool): string {
  const { batch, gateMs, deadlineMs, onFailure, surplus } = upgradeRules(pool);
  const after = onFailure === 'rollback' ? 'rolled back' : 'stopped';
  const extra = surplus ? '' : ', no instance more';
  return `${batch} at a time, each healthy for ${gateMs / 1_000} s, ${after} when one is not within ${deadlineMs / 1_000} s${extra}`;
}

/** What another function for the pool will cost. */
export function planWords(pool: DeclaredPool, nodes: number): string {
  const count = instancesOf(pool);
  const head = `its ${count} instance${count === 1 ? ' is' : 's are'} replaced ${rulesWords(pool)}`;
  if (isNWay(pool) || count > pool.redundancy.slots) return `${head}; slots are handed over before`;
  return upgradeRules(pool).surplus && nodes > count
    ? `${head}; one instance more runs meanwhile, and slots are handed over`
    : `${head}; EACH SLOT IS INTERRUPTED, for no other instance can take it`;
}

/** What comes next in an upgrade, for people. */
export function nextWords(pool: DeclaredPool, record: UpgradeRecord, observed: Observed): string {
  if (record.state === 'done') return 'nothing, until another function is declared, or `upgrade resume`';
  const step = nextStep(pool, record, observed);
  switch (step.type) {
    case 'turn':
      return step.reason;
    case 'handover':
      return `slot ${step.slot.index} goes to ${instanceName(step.to)}`;
    case 'wait':
      return record.state === 'going' ? `waits: ${step.reason}` : 'waits for a word: resume, or rollback';
    case 'end':
      return 'it is over';
  }
}

/** What `explain` says of the upgrade of a pool. */
export function upgradeLines(pool: DeclaredPool, observed: Observed): string[] {
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  if (!record) return [];
  const mine = indexed(observed).instancesOf(pool.name);
  const done = mine.filter(
    (each) => wantedOf(record, each) === goalOf(record) && record.proven.includes(each.functionId),
  ).length;
  const word = record.direction === 'forward' ? 'new' : 'former';
  const head =
    record.state === 'done'
      ? `It runs the former version, not what is declared: ${record.reason}.`
      : `It is being upgraded (${record.state}: ${record.reason}): ${done} of ${mine.length} run the ${word} version and have proved themselves.`;
  return [head, `Upgrade, next: ${nextWords(pool, record, observed)}.`];
}
