// SPDX-License-Identifier: Apache-2.0
import type { SlotCandidate } from '@vnfpool/wire/mobility';
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Decision } from './actions.ts';
import { type Observed, type ObservedInstance, type ObservedSlot, takesOrders } from './observed.ts';
import { byNumber, instancesOf } from './placement.ts';

/** Which slots come and go. Placement is settled before. */
export function decideSlots(declared: DeclaredSet, observed: Observed): Decision[] {
  const pools = new Map(declared.pools.map((pool) => [pool.name, pool]));
  const decisions: Decision[] = [];
  for (const slot of observed.slots.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const pool = pools.get(slot.pool);
    if (!pool)
      decisions.push({
        type: 'delete-slot',
        id: slot.id,
        reason: `pool ${slot.pool} is not declared any more`,
      });
    else if (slot.index >= pool.redundancy.slots) {
      decisions.push({
        type: 'delete-slot',
        id: slot.id,
        reason: `pool ${slot.pool} wants ${pool.redundancy.slots} slots`,
      });
    } else if (isOrphan(slot, observed)) {
      decisions.push({
        type: 'delete-slot',
        id: slot.id,
        reason: 'none of its candidates is left, and none of them runs any more',
      });
    }
  }
  if (!observed.council) return decisions;
  for (const pool of declared.pools) {
    for (let index = 0; index < pool.redundancy.slots; index++) {
      if (observed.slots.some((slot) => slot.pool === pool.name && slot.index === index)) continue;
      const candidates = candidatesOf(pool, index, observed);
      if (candidates.length === 0) continue;
      decisions.push({
        type: 'create-slot',
        pool: pool.name,
        index,
        candidates,
        reason: `pool ${pool.name} wants ${pool.redundancy.slots} slots`,
      });
    }
  }
  return decisions;
}

/**
 * Who may take the slot, in an order that only changes with the placement: the slot's own instance, then the
 * instances that own no slot, then the others. Instances on nodes without a number are left out for now.
 */
export function candidatesOf(pool: DeclaredPool, index: number, observed: Observed): SlotCandidate[] {
  const nodes = new Map(observed.nodes.map(({ name, id }) => [name, id]));
  const mine = byNumber(observed.instances.filter((instance) => instance.pool === pool.name));
  const homes = homesOf(pool, observed);
  const home = homes.get(index);
  const owners = new Set([...homes.values()].map(({ functionId }) => functionId));
  const others = mine.filter((instance) => instance !== home);
  // Without standbys every slot belongs to its own instance and ends with it.
  const shared = instancesOf(pool) > pool.redundancy.slots;
  const order = shared
    ? [
        ...others.filter(({ functionId }) => !owners.has(functionId)),
        ...others.filter(({ functionId }) => owners.has(functionId)),
      ]
    : [];
  return [...(home ? [home] : []), ...order].flatMap(({ functionId, node }) => {
    const id = nodes.get(node);
    return id === undefined ? [] : [{ node: id, functionId }];
  });
}

/** The instance that a slot was made for, by index. */
export function homesOf(pool: DeclaredPool, observed: Observed): Map<number, ObservedInstance> {
  const mine = byNumber(observed.instances.filter((instance) => instance.pool === pool.name));
  const homes = new Map<number, ObservedInstance>();
  for (const slot of observed.slots) {
    const first = slot.genesis.candidates[0]?.functionId;
    const home =
      slot.pool === pool.name && slot.index < pool.redundancy.slots
        ? mine.find(({ functionId }) => functionId === first)
        : undefined;
    if (home) homes.set(slot.index, home);
  }
  const taken = new Set(homes.values());
  const free = mine.filter((instance) => !taken.has(instance));
  for (let index = 0; index < pool.redundancy.slots; index++) {
    const next = homes.has(index) ? undefined : free.shift();
    if (next) homes.set(index, next);
  }
  return homes;
}

/**
 * No instance is left that could take the slot: it has to be born again under another number. Not before it is certain that
 * nobody who could take the former one still runs, for it could hold the slot's address: neither one that it was born with,
 * nor one that a later holder admitted, on a node of which nothing is heard.
 */
function isOrphan({ pool, epoch, holder, genesis, admitted }: ObservedSlot, observed: Observed): boolean {
  if (epoch > 0 && admitted === null) return false;
  const former = [...genesis.candidates, ...(admitted ?? [])];
  // Whom it was born with counts until somebody has held it; from then on whom the last holder admitted.
  const able = epoch > 0 ? (admitted ?? []) : genesis.candidates;
  const ids = new Map(observed.nodes.map(({ name, id }) => [name, id]));
  // A candidate is an instance where it was admitted: elsewhere it cannot take the slot. On its way it may come there.
  const couldTake = ({ functionId: own, node: at, move }: ObservedInstance): boolean =>
    own === holder ||
    able.some(({ node, functionId }) => functionId === own && (move !== null || node === ids.get(at)));
  if (observed.instances.some((instance) => instance.pool === pool && couldTake(instance))) return false;
  return former.every(({ node, functionId }) => {
    const host = observed.nodes.find(({ id }) => id === node);
    return takesOrders(host) && !observed.strays.some((stray) => stray.functionId === functionId);
  });
}
