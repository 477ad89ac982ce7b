// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Command, Decision } from './actions.ts';
import { barredNodes, escalated } from './escalation.ts';
import { indexed } from './indexed.ts';
import { instanceName, isReady, type Observed, type ObservedInstance, takesOrders } from './observed.ts';
import { successorOf } from './successor.ts';
import { instancesOf, instancesWanted, isReplaced, slotsPerInstance } from './surplus.ts';
import { targetOf } from './target.ts';

/**
 * Which instances are dropped and which are placed where. An instance stays where it is while its node is
 * declared, also when the node is lost for now: another host would have to be told everything anew, and
 * the node may be back in a second.
 */
export function placeInstances(declared: DeclaredSet, observed: Observed): Decision[] {
  const drops = declared.pools.flatMap((pool) => dropsOf(pool, declared, observed));
  const pools = new Set(declared.pools.map(({ name }) => name));
  for (const instance of byNumber(observed.instances)) {
    if (!pools.has(instance.pool)) {
      drops.push({
        type: 'drop',
        functionId: instance.functionId,
        reason: `pool ${instance.pool} is not declared any more`,
      });
    }
  }
  const dropped = new Set(drops.map(({ functionId }) => functionId));
  const kept = observed.instances.filter(({ functionId }) => !dropped.has(functionId));
  return [...drops, ...placesOf(declared, observed, kept)];
}

type Drop = Extract<Decision, { type: 'drop' }>;

function dropsOf(pool: DeclaredPool, declared: DeclaredSet, observed: Observed): Drop[] {
  const nodes = homesOf(declared);
  const mine = indexed(observed).instancesOf(pool.name);
  const homeless = mine.filter(({ node }) => !nodes.has(node));
  const leaving = homeless.filter((instance) => !handsOver(pool, instance, declared, observed));
  const drops: Drop[] = leaving.map(({ functionId, node }) => ({
    type: 'drop',
    functionId,
    reason: `node ${node} is not declared any more, or as a witness`,
  }));
  const left = leftBehind(mine, declared, observed);
  if (left) {
    const reason = `${left.node} is drained, and ${instanceName(left)} does not run there`;
    drops.push({ type: 'drop', functionId: left.functionId, reason });
  }
  if (drops.length === 0) drops.push(...escalated(mine, declared, observed));
  const surplus = mine.length - homeless.length - instancesWanted(pool, observed);
  const place = dropPlaces(pool, observed);
  const order = mine
    .filter(({ node }) => nodes.has(node))
    .sort((a, b) => place(a) - place(b) || b.number - a.number);
  for (const { functionId } of order.slice(0, Math.max(0, surplus))) {
    drops.push({
      type: 'drop',
      functionId,
      reason: `pool ${pool.name} wants ${instancesOf(pool)} instances`,
    });
  }
  return drops;
}

/**
 * Of too many instances who goes first: who runs what an upgrade is leaving; who does not work; spares; who holds a slot that
 * is not declared any more, from the highest index; standbys; and last who holds a slot that stays. Of equals the youngest.
 */
function dropPlaces(pool: DeclaredPool, observed: Observed): (instance: ObservedInstance) => number {
  const nodes = indexed(observed).nodes;
  const held = new Map(
    observed.slots
      .filter((slot) => slot.pool === pool.name)
      .map(({ holder, index }) => [holder, index] as const)
      .sort(([, a], [, b]) => b - a),
  );
  return (instance) => {
    const index = held.get(instance.functionId);
    if (index !== undefined && index < pool.redundancy.slots) return 5;
    // Slots have indexes below 64.
    if (index !== undefined) return 4 - (index + 1) / 100;
    if (isReplaced(instance, observed)) return 0;
    if (!isReady(instance, nodes)) return 1;
    return instance.role === 'standby' ? 4.5 : 2;
  };
}

/**
 * An instance on a node that is not declared any more stays until its slot has passed on, where somebody can take it, or will be able
 * to: one that is to be placed, or that its holder has not admitted yet.
 */
function handsOver(
  pool: DeclaredPool,
  instance: ObservedInstance,
  declared: DeclaredSet,
  observed: Observed,
): boolean {
  const slot = indexed(observed).heldBy(instance.functionId)[0];
  const node = indexed(observed).nodes.get(instance.node);
  if (slot === undefined || slot.index >= pool.redundancy.slots || !takesOrders(node)) return false;
  return (
    successorOf(slot, observed, slotsPerInstance(pool)) !== undefined ||
    targetOf(instance, declared, observed) !== undefined ||
    isFollowed(pool, instance, declared, observed)
  );
}

/** Numbers of instances whose slots nobody can take yet. */
function waitingForOne(pool: DeclaredPool, observed: Observed): ReadonlySet<number> {
  const max = slotsPerInstance(pool);
  const { heldBy, instancesOf: instancesIn } = indexed(observed);
  const waiting = instancesIn(pool.name).filter(({ functionId }) => {
    const slot = heldBy(functionId)[0];
    return slot !== undefined && successorOf(slot, observed, max) === undefined;
  });
  return new Set(waiting.map(({ number }) => number));
}

/** Whether another instance, where one may stay, works or begins to, and could hold a slot more. */
function isFollowed(
  pool: DeclaredPool,
  { functionId }: ObservedInstance,
  declared: DeclaredSet,
  observed: Observed,
): boolean {
  const homes = homesOf(declared);
  const nodes = indexed(observed).nodes;
  return observed.instances.some((other) => {
    const held = indexed(observed).heldBy(other.functionId).length;
    const node = nodes.get(other.node);
    const isAtHome = homes.has(other.node) && takesOrders(node) && !node.draining;
    const isOne = other.pool === pool.name && other.functionId !== functionId && !other.move;
    return isOne && isAtHome && !other.failing && held < slotsPerInstance(pool);
  });
}

/** Nodes on which instances may stay. */
function homesOf({ nodes }: DeclaredSet): ReadonlySet<string> {
  return new Set(nodes.filter(({ witness }) => !witness).map(({ name }) => name));
}

/** Slots whose holders are on nodes that are not declared any more. */
export function leavingHandovers(pool: DeclaredPool, declared: DeclaredSet, observed: Observed): Command[] {
  const nodes = homesOf(declared);
  const max = slotsPerInstance(pool);
  const { instances, slotsOf } = indexed(observed);
  return slotsOf(pool.name).flatMap((slot): Command[] => {
    const holder = instances.get(slot.holder);
    if (slot.handover || !holder || holder.busy || nodes.has(holder.node)) return [];
    const to =
      successorOf(slot, observed, max, (other) => nodes.has(other.node)) ?? successorOf(slot, observed, max);
    const reason = `${holder.node} is not declared any more`;
    return to ? [{ type: 'handover', slot: slot.id, to: to.functionId, reason }] : [];
  });
}

/** An instance on a drained node that has nothing to take along, and a place elsewhere: it is made anew there. */
function leftBehind(
  mine: readonly ObservedInstance[],
  declared: DeclaredSet,
  observed: Observed,
): ObservedInstance | undefined {
  const nodes = indexed(observed).nodes;
  return mine.find((instance) => {
    const node = nodes.get(instance.node);
    if (node?.draining !== true || instance.move || instance.busy) return false;
    // A node in maintenance is silent on purpose, and comes back with what it was left with.
    const isLost = !node.inMaintenance && (node.state === 'lost' || node.state === 'absent');
    const isIdle = takesOrders(node) && (instance.status === null || instance.failing);
    return (isLost || isIdle) && targetOf(instance, declared, observed) !== undefined;
  });
}

function placesOf(declared: DeclaredSet, observed: Observed, kept: readonly ObservedInstance[]): Decision[] {
  const places: Extract<Decision, { type: 'place' }>[] = [];
  const states = new Map(observed.nodes.map(({ name, state }) => [name, state]));
  const homes = homesOf(declared);
  const drained = new Set(observed.nodes.filter(({ draining }) => draining).map(({ name }) => name));
  const placed: { readonly pool: string; readonly node: string; readonly number: number }[] = [...kept];
  /** Where instances are on their way to. */
  const taken = kept.flatMap(({ pool, move }) => (move ? [{ pool, node: move.to }] : []));
  for (const pool of declared.pools) {
    const barred = barredNodes(pool.name, observed);
    const waiting = waitingForOne(pool, observed);
    for (;;) {
      const mine = placed.filter((instance) => instance.pool === pool.name);
      // Who only stays until there is somebody to hand its slot to is one too many.
      const staying = mine.filter(({ node, number }) => homes.has(node) || !waiting.has(number));
      if (staying.length >= instancesWanted(pool, observed)) break;
      const free = declared.nodes
        .map(({ name }, order) => ({
          name,
          order,
          lost: Number(states.get(name) === 'lost'),
          functions: placed.filter(({ node }) => node === name).length,
        }))
        .filter(
          ({ name }) =>
            homes.has(name) &&
            !drained.has(name) &&
            !barred.includes(name) &&
            ![...mine, ...taken.filter((each) => each.pool === pool.name)].some(({ node }) => node === name),
        )
        .sort((a, b) => a.lost - b.lost || a.functions - b.functions || a.order - b.order);
      const best = free[0];
      if (!best) break;
      const number = lowestFree(mine.map((instance) => instance.number));
      placed.push({ pool: pool.name, node: best.name, number });
      places.push({
        type: 'place',
        pool: pool.name,
        number,
        node: best.name,
        reason: `${best.name} runs no instance of ${pool.name} and has the fewest functions (${best.functions})`,
        ...(barred.length === 0 ? {} : { failedOn: barred }),
      });
    }
  }
  return places;
}

export function byNumber<T extends { readonly pool: string; readonly number: number }>(
  instances: readonly T[],
): T[] {
  return instances.toSorted((a, b) =>
    a.pool === b.pool ? a.number - b.number : instanceName(a) < instanceName(b) ? -1 : 1,
  );
}

function lowestFree(taken: readonly number[]): number {
  let number = 1;
  while (taken.includes(number)) number += 1;
  return number;
}
