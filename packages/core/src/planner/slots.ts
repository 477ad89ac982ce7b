// SPDX-License-Identifier: Apache-2.0
import type { SlotCandidate } from '@vnfpool/wire/mobility';
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Decision } from './actions.ts';
import { indexed } from './indexed.ts';
import {
  councilOf,
  instanceName,
  type Observed,
  type ObservedInstance,
  type ObservedSlot,
  takesOrders,
} from './observed.ts';
import { onceIn } from './once.ts';
import { hasSuccessors, instancesOf, isNWay } from './surplus.ts';

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
  if (decisions.length === 0)
    decisions.push(...declared.pools.flatMap((pool) => decideHomes(pool, observed)));
  // A new slot goes to an instance that no other one belongs to.
  if (decisions.length > 0) return decisions;
  for (const pool of declared.pools) {
    if (!councilOf(pool, observed)) continue;
    const known = new Set(
      indexed(observed)
        .slotsOf(pool.name)
        .map(({ index }) => index),
    );
    for (let index = 0; index < pool.redundancy.slots; index++) {
      if (known.has(index)) continue;
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
  const { nodes, instancesOf: instancesIn } = indexed(observed);
  const mine = instancesIn(pool.name);
  const home = homesOf(pool, observed).get(index);
  const owners = ownersOf(pool, observed);
  const others = mine.filter((instance) => instance !== home);
  // Without standbys every slot belongs to its own instance and ends with it.
  const shared = isShared(pool, observed);
  // The slots of one that fails are spread over the others.
  const turn = others.length === 0 ? 0 : Math.floor(index / (others.length + 1)) % others.length;
  const order = isNWay(pool)
    ? [...others.slice(turn), ...others.slice(0, turn)]
    : shared
      ? [
          ...others.filter((instance) => !owners.has(instance)),
          ...others.filter((instance) => owners.has(instance)),
        ]
      : [];
  return [...(home ? [home] : []), ...order].flatMap(({ functionId, node }) => {
    const id = nodes.get(node)?.id;
    return id === undefined ? [] : [{ node: id, functionId }];
  });
}

/** Whether an instance may take a slot that is not its own. */
export function isShared(pool: DeclaredPool, observed: Observed): boolean {
  return isNWay(pool) || instancesOf(pool) > pool.redundancy.slots || hasSuccessors(pool, observed);
}

type Homes = ReadonlyMap<number, ObservedInstance>;

/** The instance that a slot belongs to, by index: whom it was given to, else whom it was made for, else one without a slot. */
export const homesOf: (pool: DeclaredPool, observed: Observed) => Homes = onceIn((pool, observed): Homes => {
  const mine = indexed(observed).instancesOf(pool.name);
  const slots = slotsInOrder(pool, observed);
  const homes = new Map<number, ObservedInstance>();
  // N-way: everybody has its share.
  const share = isNWay(pool) ? Math.ceil(pool.redundancy.slots / Math.max(1, mine.length)) : 1;
  const counts = new Map<ObservedInstance, number>();
  const count = (instance: ObservedInstance): number => counts.get(instance) ?? 0;
  const give = (index: number, functionId: number | undefined): void => {
    const home = mine.find((instance) => instance.functionId === functionId);
    if (homes.has(index) || !home || count(home) >= share) return;
    homes.set(index, home);
    counts.set(home, count(home) + 1);
  };
  for (const { index, home } of slots) give(index, home);
  for (const { index, genesis } of slots) give(index, genesis.candidates[0]?.functionId);
  for (let index = 0; index < pool.redundancy.slots; index++)
    give(index, mine.toSorted((a, b) => count(a) - count(b))[0]?.functionId);
  return homes;
});

const ownersOf = onceIn((pool, observed) => new Set(homesOf(pool, observed).values()));

/**
 * Slots that are not shared any more stay with whoever holds them. Their holder may be another than the one that they were
 * made for: a standby that took over, or that an upgrade has left there.
 */
function decideHomes(pool: DeclaredPool, observed: Observed): Decision[] {
  if (isShared(pool, observed)) return [];
  const homes = homesOf(pool, observed);
  const settled = new Set<number>();
  return slotsInOrder(pool, observed).flatMap(({ id, index, holder }): Decision[] => {
    const mine = indexed(observed)
      .instancesOf(pool.name)
      .find(({ functionId }) => functionId === holder);
    // Of two slots that one instance got hold of it keeps the first.
    if (!mine || settled.has(mine.functionId)) return [];
    settled.add(mine.functionId);
    if (homes.get(index)?.functionId === mine.functionId) return [];
    const reason = `${instanceName(mine)} holds it, and nobody else may take it`;
    return [{ type: 'give-slot', id, functionId: mine.functionId, reason }];
  });
}

function slotsInOrder(pool: DeclaredPool, observed: Observed): ObservedSlot[] {
  return indexed(observed)
    .slotsOf(pool.name)
    .filter(({ index }) => index < pool.redundancy.slots);
}

/**
 * No instance is left that could take the slot: it has to be born again under another number. Not before it is certain that
 * nobody who could take the former one still runs, for it could hold the slot's address: neither one that it was born with,
 * nor one that a later holder admitted, on a node of which nothing is heard.
 */
function isOrphan({ pool, epoch, holder, genesis, admitted }: ObservedSlot, observed: Observed): boolean {
  if (epoch > 0 && admitted === null) return false;
  // Its state may be with others than those that were listed last: whether it is lost, the last resort says, or a person.
  const level = observed.sharing?.find((each) => each.pool === pool)?.level;
  const isShared = level !== undefined && (level.method === 'replicate' || level.method === 'conntrack');
  if (epoch > 0 && isShared && indexed(observed).instancesOf(pool).length > 0) return false;
  const former = [...genesis.candidates, ...(admitted ?? [])];
  // Whom it was born with counts until somebody has held it; from then on whom the last holder admitted.
  const able = epoch > 0 ? (admitted ?? []) : genesis.candidates;
  const { nodes } = indexed(observed);
  // A candidate is an instance where it was admitted: elsewhere it cannot take the slot. On its way it may come there.
  const couldTake = ({ functionId: own, node: at, move }: ObservedInstance): boolean =>
    own === holder ||
    able.some(({ node, functionId }) => functionId === own && (move !== null || node === nodes.get(at)?.id));
  if (indexed(observed).instancesOf(pool).some(couldTake)) return false;
  return former.every(({ node, functionId }) => {
    const host = indexed(observed).nodesById.get(node);
    return takesOrders(host) && !observed.strays.some((stray) => stray.functionId === functionId);
  });
}
