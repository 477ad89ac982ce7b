// SPDX-License-Identifier: Apache-2.0
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import { isByAgents, lastResortMsOf, slotSharingOf } from '../state-level/carried.ts';
import { indexed } from './indexed.ts';
import type { Observed, ObservedInstance, ObservedSlot } from './observed.ts';

/** What nodes are told of the state of the pool's slots. */
export function sharingPart(
  pool: DeclaredPool,
  observed: Observed,
): Pick<SlotDefinition, 'lastResort' | 'sharing'> {
  // A pool without shared state loses nothing by whoever takes over; but only candidates may.
  const never = { lastResort: { rule: 'never' as const } };
  const record = observed.sharing?.find((each) => each.pool === pool.name);
  const sharing = record && pool.sharing && slotSharingOf(record.level, pool.sharing);
  if (!record || !sharing || pool.sharing === undefined) return never;
  // From a store every candidate may take the state: nobody else is needed, and the holder waits for the store itself.
  const afterMs = isByAgents(record.level) ? lastResortMsOf(record.level, pool.sharing) : null;
  return { sharing, ...(afterMs === null ? never : { lastResort: { rule: 'after', afterMs } }) };
}

/** Whether the instance cannot take the slot since it has not its state: the holder lists those that have it. */
export function lacksState(slot: ObservedSlot, instance: ObservedInstance, observed: Observed): boolean {
  const level = observed.sharing?.find(({ pool }) => pool === slot.pool)?.level;
  if (!level || !isByAgents(level) || slot.admitted === null) return false;
  const node = indexed(observed).nodes.get(instance.node)?.id;
  return !slot.admitted.some((each) => each.functionId === instance.functionId && each.node === node);
}
