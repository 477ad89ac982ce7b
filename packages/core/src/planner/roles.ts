// SPDX-License-Identifier: Apache-2.0
import type { Role } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import { isReady, type Observed, type ObservedInstance, type ObservedSlot } from './observed.ts';
import { byNumber, instancesOf } from './placement.ts';
import { candidatesOf, homesOf } from './slots.ts';

export interface InstanceRole {
  readonly instance: ObservedInstance;
  readonly role: Role;
  readonly slot: ObservedSlot | null;
}

/**
 * What each instance of a pool is for. Who holds a slot is active; a slot that nobody holds wants the first of
 * its ranking. Of the rest the first ready ones, by number, stand by; the others are spares.
 */
export function rolesOf(pool: DeclaredPool, observed: Observed): InstanceRole[] {
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const mine = byNumber(observed.instances.filter((instance) => instance.pool === pool.name));
  const slots = slotsOf(pool, observed);
  const active = new Map<ObservedInstance, ObservedSlot>();
  for (const slot of slots) {
    const holder = mine.find(({ functionId }) => functionId === slot.holder);
    if (holder && !active.has(holder)) active.set(holder, slot);
  }
  for (const slot of slots.filter(({ holder }) => !mine.some(({ functionId }) => functionId === holder))) {
    const first = rankingOf(pool, slot.index, observed)
      .map((functionId) => mine.find((instance) => instance.functionId === functionId))
      .find((instance) => instance && !active.has(instance));
    if (first) active.set(first, slot);
  }
  const rest = mine
    .filter((instance) => !active.has(instance))
    .sort((a, b) => Number(isReady(b, nodes)) - Number(isReady(a, nodes)) || a.number - b.number);
  const shared = instancesOf(pool) > pool.redundancy.slots;
  const own = homesOf(pool, observed);
  return mine.map((instance) => {
    const held = active.get(instance);
    if (held) return { instance, role: 'active', slot: held };
    const place = rest.indexOf(instance);
    // Without standbys an instance waits for its own slot; else the waiting ones are spread over the slots.
    const slot = shared
      ? slots[place % Math.max(1, slots.length)]
      : slots.find(({ index }) => own.get(index) === instance);
    return { instance, role: place < pool.redundancy.standbys ? 'standby' : 'spare', slot: slot ?? null };
  });
}

/** Function IDs in the order in which they should try for the slot: ready ones first. */
export function rankingOf(pool: DeclaredPool, index: number, observed: Observed): number[] {
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const ready = new Set(
    observed.instances.filter((instance) => isReady(instance, nodes)).map(({ functionId }) => functionId),
  );
  const candidates = candidatesOf(pool, index, observed).map(({ functionId }) => functionId);
  return [...candidates.filter((id) => ready.has(id)), ...candidates.filter((id) => !ready.has(id))];
}

export function slotsOf(pool: DeclaredPool, observed: Observed): ObservedSlot[] {
  return observed.slots
    .filter((slot) => slot.pool === pool.name && slot.index < pool.redundancy.slots)
    .sort((a, b) => a.index - b.index);
}
