// SPDX-License-Identifier: Apache-2.0
import type { Role } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import { indexed } from './indexed.ts';
import {
  isReady,
  isReadyFor,
  type Observed,
  type ObservedInstance,
  type ObservedNode,
  type ObservedSlot,
  refusingNodes,
} from './observed.ts';
import { onceIn } from './once.ts';
import { candidatesOf, homesOf, isShared } from './slots.ts';
import { isNWay, slotsPerInstance } from './surplus.ts';
import { hasToProve } from './upgrade-record.ts';

export interface InstanceRole {
  readonly instance: ObservedInstance;
  readonly role: Role;
  readonly slot: ObservedSlot | null;
}

/**
 * What each instance of a pool is for. Who holds a slot is active; a slot that nobody holds wants the first of
 * its ranking. Of the rest the first ready ones stand by; the others are spares. Who stands by already goes on
 * doing so: an instance that comes back from a restart queues behind it.
 */
export const rolesOf: (pool: DeclaredPool, observed: Observed) => readonly InstanceRole[] = onceIn(
  (pool, observed) => {
    const nodes = indexed(observed).nodes;
    const mine = indexed(observed).instancesOf(pool.name);
    const slots = slotsOf(pool, observed);
    const active = new Map<ObservedInstance, ObservedSlot>();
    for (const slot of slots) {
      const holder = mine.find(({ functionId }) => functionId === slot.holder);
      // Of several that it holds it is told of one; of one that is to be handed over it has to be.
      if (holder && (!active.has(holder) || slot.handover)) active.set(holder, slot);
    }
    for (const slot of slots.filter(({ holder }) => !mine.some(({ functionId }) => functionId === holder))) {
      const first = rankingOf(pool, slot.index, observed)
        .map((functionId) => mine.find((instance) => instance.functionId === functionId))
        .find((instance) => instance && !active.has(instance));
      if (first) active.set(first, slot);
    }
    const rest = waiting(mine, slots, nodes, observed).filter((instance) => !active.has(instance));
    const shared = isShared(pool, observed);
    const own = homesOf(pool, observed);
    return mine.map((instance) => {
      const held = active.get(instance);
      if (held) return { instance, role: 'active', slot: held };
      const place = rest.indexOf(instance);
      // Without standbys an instance waits for its own slot; else the waiting ones are spread over the slots.
      const slot = shared
        ? slots[place % Math.max(1, slots.length)]
        : slots.find(({ index }) => own.get(index) === instance);
      const standsBy = isNWay(pool) || place < pool.redundancy.standbys;
      return { instance, role: standsBy ? 'standby' : 'spare', slot: slot ?? null };
    });
  },
);

/** Who stands by for a slot, the first to try for it first. Of an N-way pool: whoever is ready, and may hold one slot more. */
export function standbysOf(pool: DeclaredPool, slot: ObservedSlot, observed: Observed): ObservedInstance[] {
  if (!isNWay(pool)) {
    return rolesOf(pool, observed)
      .filter((each) => each.role === 'standby' && each.slot?.id === slot.id)
      .map(({ instance }) => instance);
  }
  const { nodes, instances, heldBy } = indexed(observed);
  return rankingOf(pool, slot.index, observed).flatMap((functionId) => {
    const instance = functionId === slot.holder ? undefined : instances.get(functionId);
    const isAble = instance !== undefined && isReadyFor(slot, instance, nodes);
    return isAble && heldBy(functionId).length < slotsPerInstance(pool) ? [instance] : [];
  });
}

/**
 * Function IDs in the order in which they should try for the slot: its home, then whoever waits; ready ones first.
 */
export function rankingOf(pool: DeclaredPool, index: number, observed: Observed): readonly number[] {
  const known = rankingsOf(pool, observed);
  const ranking = known.get(index) ?? rankingNow(pool, index, observed);
  known.set(index, ranking);
  return ranking;
}

/** By index of the slot: those that were asked for. */
const rankingsOf = onceIn(() => new Map<number, readonly number[]>());

function rankingNow(pool: DeclaredPool, index: number, observed: Observed): readonly number[] {
  const nodes = indexed(observed).nodes;
  const candidates = candidatesOf(pool, index, observed).map(({ functionId }) => functionId);
  const instances = candidates.flatMap((id) => indexed(observed).instances.get(id) ?? []);
  const slots = slotsOf(pool, observed).filter((slot) => slot.index === index);
  return waiting(instances, slots, nodes, observed).map(({ functionId }) => functionId);
}

/**
 * Ready ones first, whose nodes would serve each of the slots; those that failed again and again behind them; of them last who is on a drained node, or has still to prove a version;
 * then by what they are now; otherwise the order given.
 */
function waiting(
  instances: readonly ObservedInstance[],
  slots: readonly ObservedSlot[],
  nodes: ReadonlyMap<string, ObservedNode>,
  { upgrades }: Observed,
): ObservedInstance[] {
  const refusing = refusingNodes(slots);
  const isFit = (instance: ObservedInstance): boolean =>
    isReady(instance, nodes) && !refusing.has(instance.node);
  const isUnproven = (instance: ObservedInstance): boolean =>
    upgrades.some((record) => record.pool === instance.pool && hasToProve(record, instance));
  const isDrained = ({ node }: ObservedInstance): boolean => nodes.get(node)?.draining === true;
  const place = ({ role }: ObservedInstance): number => (role === 'active' ? 0 : role === 'standby' ? 1 : 2);
  return instances.toSorted(
    (a, b) =>
      Number(isFit(b)) - Number(isFit(a)) ||
      Number(a.isSuppressed === true) - Number(b.isSuppressed === true) ||
      Number(isDrained(a)) - Number(isDrained(b)) ||
      Number(isUnproven(a)) - Number(isUnproven(b)) ||
      place(a) - place(b),
  );
}

export function slotsOf(pool: DeclaredPool, observed: Observed): ObservedSlot[] {
  return indexed(observed)
    .slotsOf(pool.name)
    .filter(({ index }) => index < pool.redundancy.slots);
}
