// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';
import { versionName } from '../planner/documents.ts';
import { instanceName, isReady, type ObservedInstance } from '../planner/observed.ts';
import { isInGate, upgradeRules } from '../planner/upgrade.ts';
import { beginUpgrade, goalOf, type UpgradeRecord, withProven } from '../planner/upgrade-record.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import type { ManagerWrite } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { GateLife, ManagerState } from './state.ts';

/*
 * Upgrades of pools: the record, the clock at the gate, and what a person may ask for. What is done next the planner says
 * from the record.
 */

/** Replaces the record of a pool; null: its upgrade is over. */
export function putUpgrade(state: ManagerState, pool: string, record: UpgradeRecord | null): ManagerWrite {
  if (record) state.upgrades.set(pool, record);
  else state.upgrades.delete(pool);
  return { table: 'upgrades', key: pool, value: record };
}

/**
 * An upgrade begins, or goes to what is declared now.
 * @param before The pool as it was declared before; null: not known
 */
export function beginPoolUpgrade(
  state: ManagerState,
  name: string,
  before: DeclaredPool | null,
  wallMs: number,
): ManagerWrite[] {
  const pool = state.set?.declared.pools.find((each) => each.name === name);
  if (!pool) return [];
  const former = state.upgrades.get(name) ?? null;
  const running = [...state.instances.values()]
    .filter((instance) => instance.pool === name)
    .map(({ functionId }) => ({ functionId, version: state.versionOf(functionId, before ?? pool) }));
  const version = before && { function: before.function };
  const record = beginUpgrade(
    name,
    versionName(pool),
    former,
    before && version ? { name: versionName(before), version } : null,
    running,
    wallMs,
  );
  return record || former ? [putUpgrade(state, name, record)] : [];
}

/** What a new declaration means for what instances run. */
export function beginUpgrades(
  state: ManagerState,
  former: readonly DeclaredPool[],
  wallMs: number,
): ManagerWrite[] {
  return former.flatMap((before) => {
    const pool = state.set?.declared.pools.find(({ name }) => name === before.name);
    if (!pool || versionName(pool) === versionName(before)) return [];
    return beginPoolUpgrade(state, pool.name, before, wallMs);
  });
}

/** Looks at those who have to prove themselves. */
export function watchGates(state: ManagerState, journal: Journal, { nowMs, wallMs }: Moment): void {
  const observed = state.observed(nowMs);
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const watched = new Set<number>();
  for (const pool of state.set?.declared.pools ?? []) {
    for (const instance of observed.instances) {
      const record = state.upgrades.get(pool.name);
      if (instance.pool !== pool.name || record?.to !== versionName(pool)) continue;
      const isProven = !isInGate(record, instance, nodes);
      if (isProven && !failsNow(record, instance)) continue;
      watched.add(instance.functionId);
      const goal = goalOf(record);
      const former = state.gates.get(instance.functionId);
      const gate: GateLife =
        former?.version === goal
          ? former
          : { version: goal, sinceMs: nowMs, readySinceMs: null, restarts: null };
      state.gates.set(instance.functionId, gate);
      const runs = instance.version === goal && isReady(instance, nodes);
      const restarts = state.functionOf(state.instances.get(instance.functionId) ?? instance)?.report
        ?.restarts;
      if (!runs) gate.readySinceMs = null;
      else {
        gate.readySinceMs ??= nowMs;
        gate.restarts ??= restarts ?? 0;
      }
      const rules = upgradeRules(pool);
      const failure = isProven
        ? 'it ends again and again'
        : faultOf(instance, gate, restarts ?? 0, rules, nowMs);
      if (failure !== undefined) {
        if (record.state === 'going') fail(state, journal, pool, instance, failure, wallMs);
      } else if (gate.readySinceMs !== null && nowMs >= gate.readySinceMs + rules.gateMs) {
        journal.save(putUpgrade(state, pool.name, withProven(record, instance.functionId)));
        state.gates.delete(instance.functionId);
        const name = instanceName(instance);
        const message = `${name} runs the ${versionWord(record)} version and has been healthy for ${rules.gateMs / 1_000} s.`;
        journal.event(wallMs, 'upgrade.instance-done', 'info', `instance ${name}`, message);
      }
    }
  }
  for (const id of state.gates.keys()) if (!watched.has(id)) state.gates.delete(id);
}

/** When the next gate opens or the next deadline is over; later than `afterMs`. */
export function gateDeadlines(state: ManagerState, afterMs: number): number[] {
  return [...state.gates].flatMap(([functionId, gate]) => {
    const name = state.instances.get(functionId)?.pool;
    const pool = state.set?.declared.pools.find((each) => each.name === name);
    if (!pool) return [];
    const { gateMs, deadlineMs } = upgradeRules(pool);
    return [
      ...(gate.readySinceMs === null ? [] : [gate.readySinceMs + gateMs]),
      gate.sinceMs + deadlineMs,
    ].filter((atMs) => atMs > afterMs);
  });
}

/** One that had proved itself and fails while the others still follow it. */
function failsNow(record: UpgradeRecord, instance: ObservedInstance): boolean {
  return (
    record.state === 'going' &&
    record.direction === 'forward' &&
    instance.failing &&
    instance.version === record.to
  );
}

/** Why the instance has failed its gate; undefined: it has not. */
function faultOf(
  instance: ObservedInstance,
  gate: GateLife,
  restarts: number,
  { deadlineMs }: { readonly deadlineMs: number },
  nowMs: number,
): string | undefined {
  if (instance.version === gate.version) {
    if (instance.failing) return 'it ends again and again';
    if (gate.restarts !== null && restarts > gate.restarts)
      return 'it ended before its time at the gate was over';
  }
  return nowMs >= gate.sinceMs + deadlineMs
    ? `it was not healthy for long enough within ${deadlineMs / 1_000} s`
    : undefined;
}

function fail(
  state: ManagerState,
  journal: Journal,
  pool: DeclaredPool,
  instance: ObservedInstance,
  failure: string,
  wallMs: number,
): void {
  const record = state.upgrades.get(pool.name);
  if (!record) return;
  const name = instanceName(instance);
  const said = state.functionOf(instance)?.report?.reason;
  const reason = `${name} failed with the ${versionWord(record)} version: ${failure}${said ? ` (${said})` : ''}`;
  const goesBack =
    record.direction === 'forward' && record.from !== null && upgradeRules(pool).onFailure === 'rollback';
  const value: UpgradeRecord = goesBack
    ? { ...record, direction: 'back', reason }
    : { ...record, state: 'stopped', reason };
  journal.save(putUpgrade(state, pool.name, value));
  state.gates.clear();
  journal.event(
    wallMs,
    goesBack ? 'upgrade.rolling-back' : 'upgrade.stopped',
    'error',
    `pool ${pool.name}`,
    goesBack
      ? `The upgrade of ${pool.name} is rolled back: ${reason}.`
      : `The upgrade of ${pool.name} has stopped: ${reason}.`,
  );
}

export type UpgradeAction = 'pause' | 'resume' | 'rollback';

/** Checks what a person asks for; gives the record that follows from it. */
export function chooseUpgrade(
  state: ManagerState,
  { pool, action }: { readonly pool: string; readonly action: UpgradeAction },
): UpgradeRecord | Refusal {
  if (!state.set?.declared.pools.some(({ name }) => name === pool))
    return refuse('NOT_FOUND', `There is no pool ${pool}.`);
  const record = state.upgrades.get(pool);
  if (!record) return refuse('NOT_READY', `Pool ${pool} is not being upgraded.`);
  switch (action) {
    case 'pause':
      return record.state === 'going'
        ? { ...record, state: 'paused', reason: 'it was paused by command' }
        : refuse('NOT_READY', `The upgrade of ${pool} does not go on as it is: ${record.reason}.`);
    case 'resume':
      if (record.state === 'going') return refuse('NOT_READY', `The upgrade of ${pool} goes on already.`);
      return {
        ...record,
        state: 'going',
        // A pool that has gone back tries again.
        direction: record.state === 'done' ? 'forward' : record.direction,
        reason: 'it was resumed by command',
      };
    case 'rollback':
      if (record.from === null)
        return refuse(
          'NOT_READY',
          `What ${pool} ran before is not known; declare what it shall run instead.`,
        );
      if (record.direction === 'back' && record.state !== 'paused' && record.state !== 'stopped')
        return refuse(
          'NOT_READY',
          `Pool ${pool} ${record.state === 'done' ? 'has gone' : 'goes'} back already.`,
        );
      return { ...record, direction: 'back', state: 'going', reason: 'it was rolled back by command' };
  }
}

/** The pool's upgrade is over; a pool that went back stays on record, for it does not run what is declared. */
export function endUpgrade(state: ManagerState, pool: string): ManagerWrite[] {
  const record = state.upgrades.get(pool);
  if (!record) return [];
  const isDeclared = state.set?.declared.pools.some(({ name }) => name === pool) === true;
  const stays = record.direction === 'back' && isDeclared;
  return [putUpgrade(state, pool, stays ? { ...record, state: 'done' } : null)];
}

/** `new` or `former`. */
export function versionWord({ direction }: UpgradeRecord): string {
  return direction === 'forward' ? 'new' : 'former';
}
