// SPDX-License-Identifier: Apache-2.0
import { slotAddresses } from '../../declared/set.ts';
import type { SlotView } from '../../management/views.ts';
import { handedFrom } from '../../planner/balance.ts';
import { instanceName, type ObservedSlot } from '../../planner/observed.ts';
import { slotsOf, standbysOf } from '../../planner/roles.ts';
import type { InstanceRecord } from '../records.ts';
import { refusalsOf } from '../slot-refusals.ts';
import { slotSharingView } from '../slot-sharing.ts';
import { troublesOf } from '../slot-troubles.ts';
import type { ManagerState } from '../state.ts';

/** Why the slot is where it is, in a sentence. */
function whyHeld(state: ManagerState, slot: string, holder: string | null, epoch: number): string {
  if (holder === null) return epoch === 0 ? 'Nobody has held it yet.' : 'Nobody is known to hold it.';
  const taken = state.failovers.findLast(({ id, to }) => id.startsWith(`${slot}/`) && to === holder);
  const lease = 'a majority of the council granted it the lease';
  if (!taken || taken.from === null) return `${holder} holds it from the start: ${lease}.`;
  if (taken.from === holder && taken.fromNode === taken.toNode)
    return `${holder} took it again because ${taken.cause}: ${lease}.`;
  if (taken.from === holder)
    return `${holder} took it along from ${taken.fromNode} to ${taken.toNode}: ${lease}.`;
  return `${holder} took it from ${taken.from} because ${taken.cause}: ${lease}.`;
}

function lastKnown(holder: InstanceRecord): string {
  return `${instanceName(holder)} held it when ${holder.node} was heard last: that node is lost, and nobody has said that the lease is over.`;
}

/** Of a slot that is not balanced, as an operator put it where it is. */
function handedWords({ pool, index }: ObservedSlot, from: string): string {
  return `It was handed over by hand and stays where it was put, counted in the share of ${from}; vnfpool handover ${pool}/${index} --to ${from} gives it back.`;
}

export function slotViews(state: ManagerState, nowMs: number): SlotView[] {
  const { set } = state;
  if (!set) return [];
  const observed = state.observed(nowMs);
  return set.declared.pools.flatMap((pool) => {
    return slotsOf(pool, observed).map((slot) => {
      const holder = slot.holder === null ? undefined : state.instances.get(slot.holder);
      const from = handedFrom(pool, slot, observed);
      const isUnheard =
        holder !== undefined &&
        observed.nodes.some(({ name, state }) => name === holder.node && state === 'lost');
      return {
        pool: pool.name,
        index: slot.index,
        id: slot.id,
        epoch: slot.epoch,
        holder: holder ? instanceName(holder) : null,
        node: holder?.node ?? null,
        ...(isUnheard ? { isUnheard } : {}),
        ...(from && { handedFrom: instanceName(from) }),
        addresses: slotAddresses(pool, slot.index),
        standbys: standbysOf(pool, slot, observed).map(instanceName),
        leaseMs: pool.failover.leaseMs,
        since: state.holdings.get(slot.id)?.sinceMs ?? null,
        reason: [
          state.slotReasons.get(slot.id) ??
            (isUnheard
              ? lastKnown(holder)
              : whyHeld(state, slot.id, holder ? instanceName(holder) : null, slot.epoch)),
          ...(from ? [handedWords(slot, instanceName(from))] : []),
          ...[...troublesOf(state, slot.id), ...refusalsOf(state, slot.id)].map((each) => `${each}.`),
        ].join(' '),
        sharing: slotSharingView(state, slot),
      };
    });
  });
}
