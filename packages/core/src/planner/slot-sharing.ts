// SPDX-License-Identifier: Apache-2.0
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import { isByAgents, lastResortMsOf, slotSharingOf } from '../state-level/carried.ts';
import { indexed } from './indexed.ts';
import type { Observed, ObservedInstance, ObservedSlot } from './observed.ts';

/**
 * Where no standby has state that others lack, nothing is lost by whoever of the candidates takes a slot: those that its holder named go first,
 * and one that became a candidate while nobody held it, so that nobody could name it, comes after them.
 */
const ANY_CANDIDATE: SlotDefinition['lastResort'] = { rule: 'after', afterMs: 1_000 };

/** What nodes are told of the state of the pool's slots. */
export function sharingPart(
  pool: DeclaredPool,
  observed: Observed,
): Pick<SlotDefinition, 'lastResort' | 'sharing'> {
  const record = observed.sharing?.find((each) => each.pool === pool.name);
  const sharing = record && pool.sharing && slotSharingOf(record.level, pool.sharing);
  if (!record || !sharing || pool.sharing === undefined) return { lastResort: ANY_CANDIDATE };
  // From a store every candidate may take the state: nobody else is needed, and the holder waits for the store itself.
  if (!isByAgents(record.level)) return { sharing, lastResort: ANY_CANDIDATE };
  const afterMs = lastResortMsOf(record.level, pool.sharing);
  return { sharing, lastResort: afterMs === null ? { rule: 'never' } : { rule: 'after', afterMs } };
}

/** Whether the instance cannot take the slot since it has not its state: the holder lists those that have it. */
export function lacksState(slot: ObservedSlot, instance: ObservedInstance, observed: Observed): boolean {
  const level = observed.sharing?.find(({ pool }) => pool === slot.pool)?.level;
  if (!level || !isByAgents(level) || slot.admitted === null) return false;
  const node = indexed(observed).nodes.get(instance.node)?.id;
  return !slot.admitted.some((each) => each.functionId === instance.functionId && each.node === node);
}
