// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import { type DeclaredUpgrade, UPGRADE_DEFAULT } from '../declared/upgrade.ts';
import { once } from '../once.ts';
import type { Command, Decision } from './actions.ts';
import { versionName } from './documents.ts';
import { indexed } from './indexed.ts';
import {
  instanceName,
  isReady,
  type Observed,
  type ObservedInstance,
  type ObservedNode,
  type ObservedSlot,
  takesOrders,
} from './observed.ts';
import type { InstanceRole } from './roles.ts';
import { successorOf } from './successor.ts';
import { hasSuccessors, slotsPerInstance } from './surplus.ts';
import { goalOf, hasToProve, type PoolVersion, type UpgradeRecord, wantedOf } from './upgrade-record.ts';

/*
 * Another version of a pool's function. Instances get it one after the other: those that do not work first, then spares,
 * standbys, and whoever holds a slot last, when an instance of the new version that has proved itself has taken the slot.
 * Who is to run what is a record on disk; how long an instance has been healthy the manager knows, and writes into it.
 */

/** What an upgrade does next. */
export type UpgradeStep =
  | { readonly type: 'turn'; readonly instance: ObservedInstance; readonly reason: string }
  | {
      readonly type: 'handover';
      readonly slot: ObservedSlot;
      readonly to: ObservedInstance;
      readonly reason: string;
    }
  | { readonly type: 'wait'; readonly reason: string }
  | { readonly type: 'end' };

export function upgradeRules({ upgrade = UPGRADE_DEFAULT }: DeclaredPool): DeclaredUpgrade {
  return upgrade;
}

/** The pool with the version that the instance is to run. */
export function versionFor(pool: DeclaredPool, instance: ObservedInstance, observed: Observed): DeclaredPool {
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  const version = record && record.versions[wantedOf(record, instance)];
  return version ? withVersion(pool)(version) : pool;
}

const withVersion = once((pool: DeclaredPool) =>
  once((version: PoolVersion): DeclaredPool => ({ ...pool, ...version })),
);

/** Upgrades that begin, take their next step, or end. */
export function decideUpgrades(declared: DeclaredSet, observed: Observed): Decision[] {
  const decisions: Decision[] = observed.upgrades
    .filter(({ pool }) => !declared.pools.some(({ name }) => name === pool))
    .map(({ pool }) => ({ type: 'upgrade-end', pool, reason: `pool ${pool} is not declared any more` }));
  for (const pool of declared.pools) {
    const record = observed.upgrades.find((each) => each.pool === pool.name);
    const print = versionName(pool);
    const isOutdated = record
      ? record.to !== print
      : observed.instances.some(
          ({ pool: of, version }) => of === pool.name && version !== null && version !== print,
        );
    if (isOutdated) {
      const reason = `instances of pool ${pool.name} run something else than what is declared`;
      decisions.push({ type: 'upgrade-begin', pool: pool.name, reason });
    }
    if (isOutdated || !record) continue;
    const step = nextStep(pool, record, observed);
    if (step.type === 'turn') {
      const { functionId } = step.instance;
      decisions.push({ type: 'upgrade-turn', pool: pool.name, functionId, reason: step.reason });
    } else if (step.type === 'end' && record.state !== 'done') {
      const reason = `every instance of ${pool.name} runs what is wanted`;
      decisions.push({ type: 'upgrade-end', pool: pool.name, reason });
    }
  }
  return decisions;
}

/** What the pool's upgrade does now, or what it waits for. */
export function nextStep(pool: DeclaredPool, record: UpgradeRecord, observed: Observed): UpgradeStep {
  const nodes = indexed(observed).nodes;
  const goal = goalOf(record);
  const mine = indexed(observed).instancesOf(pool.name);
  const pending = mine.filter((instance) => wantedOf(record, instance) !== goal);
  const unproven = mine.filter((instance) => isInGate(record, instance, nodes));
  const later = mine.filter(
    (each) => !pending.includes(each) && !unproven.includes(each) && !record.proven.includes(each.functionId),
  );
  if (pending.length + unproven.length + later.length === 0) return { type: 'end' };
  if (record.state !== 'going') return wait(record.reason);
  const moving = mine.find(({ move }) => move !== null);
  if (moving) return wait(`${instanceName(moving)} moves to ${moving.move?.to ?? ''}`);
  const silent = mine.find(({ node }) => isSilent(nodes.get(node)));
  if (silent) return wait(`${silent.node} has not told what it runs`);
  const [first] = unproven;
  if (first && unproven.length >= upgradeRules(pool).batch)
    return wait(`${instanceName(first)} has to prove itself`);
  const weak = mine.find(
    (instance) =>
      !pending.includes(instance) &&
      !unproven.includes(instance) &&
      takesOrders(nodes.get(instance.node)) &&
      !isReady(instance, nodes),
  );
  if (weak) return wait(`${instanceName(weak)} is not ready`);
  const slots = indexed(observed).slotsOf(pool.name);
  const handed = slots.find(({ handover }) => handover);
  if (handed) return wait(`slot ${handed.index} is being handed over`);
  const next = inTurn(pending, slots, nodes);
  if (!next)
    return wait(first ? `${instanceName(first)} has to prove itself` : lostOf([...pending, ...later]));
  if (next.busy || next.status === 'Terminating') return wait(`${instanceName(next)} has an order under way`);
  const held = slots.find(({ holder }) => holder === next.functionId);
  const reason = `it is the turn of ${instanceName(next)}`;
  if (!held) return { type: 'turn', instance: next, reason };
  // Better on a node that is about to be left than interrupted; the instance takes the slot along when a node is free.
  const isFit = (other: ObservedInstance): boolean => isProvenAt(record, goal, other);
  const to = successorOf(held, observed, slotsPerInstance(pool), isFit, true);
  if (to)
    return { type: 'handover', slot: held, to, reason: `${instanceName(next)} is about to be replaced` };
  if (!hasSuccessors(pool, observed))
    return { type: 'turn', instance: next, reason: `${reason}; nobody can take its slot meanwhile` };
  return wait(`nobody who runs the new version is ready for slot ${held.index}`);
}

/** The slots that pass on before their holder's turn. */
export function upgradeHandovers(pool: DeclaredPool, observed: Observed): Command[] {
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  const step = record && nextStep(pool, record, observed);
  if (step?.type !== 'handover') return [];
  return [{ type: 'handover', slot: step.slot.id, to: step.to.functionId, reason: step.reason }];
}

/**
 * An instance that runs something else than what is wanted of it ends, and is added by the next plan. One that holds a slot
 * gives it up first, if anybody could take it: it may have become the holder since its turn came.
 */
export function replaceOutdated(
  pool: DeclaredPool,
  roles: readonly InstanceRole[],
  observed: Observed,
): Command[] {
  const nodes = indexed(observed).nodes;
  const record = observed.upgrades.find((each) => each.pool === pool.name);
  if (!record) return [];
  return roles.flatMap(({ instance }): Command[] => {
    const { functionId, version, status, busy, move } = instance;
    const node = nodes.get(instance.node);
    if (!takesOrders(node) || version === null || status === null || status === 'Terminating') return [];
    if (busy || move || version === wantedOf(record, instance)) return [];
    const held = indexed(observed).heldBy(functionId)[0];
    if (held?.handover) return [];
    if (held && held.admitted === null) return [];
    const to =
      held && isReady(instance, nodes) ? successorOf(held, observed, slotsPerInstance(pool)) : undefined;
    const reason = `${instanceName(instance)} is replaced: the function of pool ${pool.name} has changed`;
    return held && to
      ? [{ type: 'handover', slot: held.id, to: to.functionId, reason }]
      : [{ type: 'delete', node: node.id, functionId, reason }];
  });
}

/** It runs, or is about to run, what the upgrade is heading for, and has not proved itself yet. */
export function isInGate(
  record: UpgradeRecord,
  instance: ObservedInstance,
  nodes: ReadonlyMap<string, ObservedNode>,
): boolean {
  if (!hasToProve(record, instance)) return false;
  // Where nobody can be told, nothing was begun, and nothing is waited for.
  return takesOrders(nodes.get(instance.node)) || instance.version !== null;
}

/** Whoever does not work costs nothing, then spares, standbys, holders; of equals the youngest. Lost ones have no turn. */
function inTurn(
  pending: readonly ObservedInstance[],
  slots: readonly ObservedSlot[],
  nodes: ReadonlyMap<string, ObservedNode>,
): ObservedInstance | undefined {
  const holders = new Set(slots.map(({ holder }) => holder));
  const place = (instance: ObservedInstance): number => {
    if (holders.has(instance.functionId)) return 3;
    if (!isReady(instance, nodes)) return 0;
    return instance.role === 'spare' ? 1 : 2;
  };
  return pending
    .filter(({ node }) => takesOrders(nodes.get(node)))
    .sort((a, b) => place(a) - place(b) || b.number - a.number)[0];
}

function isProvenAt(record: UpgradeRecord, goal: string, instance: ObservedInstance): boolean {
  return (
    wantedOf(record, instance) === goal &&
    instance.version === goal &&
    record.proven.includes(instance.functionId)
  );
}

/** Nothing is known of what it runs: it is silent, or has not told since the manager started; one that is left on purpose is not waited for. */
function isSilent(node: ObservedNode | undefined): boolean {
  if (node?.state === 'absent') return !node.draining;
  return node?.state === 'suspect' || (node?.state === 'registered' && !node.heard);
}

function lostOf([first]: readonly ObservedInstance[]): string {
  return first ? `${first.node}, where ${instanceName(first)} is, does not answer` : 'nothing';
}

function wait(reason: string): UpgradeStep {
  return { type: 'wait', reason };
}
