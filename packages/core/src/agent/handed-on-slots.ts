// SPDX-License-Identifier: Apache-2.0
import type { HandedOnCouncils, HandedOnSlot } from '../lease/index.ts';
import type { Holding } from './holding.ts';
import type { KeeperSlot } from './slot-keeper-types.ts';

/**
 * What one process of a node hands on to the next: leases that go on, and slots that are served. Whoever takes it over has
 * the fence open from its first moment for the slots that are held.
 */
export interface HandedOnSlots {
  readonly leases: HandedOnCouncils;
  readonly holdings: readonly HandedOnHolding[];
  /** What is under the fence. */
  readonly guarded: readonly KeeperSlot[];
  /** Addresses of these that are not raised: nobody knows yet whether they are free, or they are not. Absent: none. */
  readonly asked?: readonly { readonly slot: string; readonly addresses: readonly string[] }[];
}

export type HandedOnHolding = Pick<Holding, 'granted' | 'epoch' | 'steps' | 'announceAtMs'>;

/** Of all councils. */
export function slotsOf({ councils }: HandedOnCouncils): HandedOnSlot[] {
  return councils.flatMap(({ slots }) => slots);
}

/** Until when the fence is open, by slot: where the lease of a slot that has something under it ends, in ms of CLOCK_BOOTTIME. */
export function openEnds({ leases, guarded }: HandedOnSlots): Map<string, number> {
  const withFence = new Set(guarded.filter(({ addresses }) => addresses.length > 0).map(({ slot }) => slot));
  return new Map(
    slotsOf(leases).flatMap(({ definition: { id }, hold }) =>
      hold !== null && withFence.has(id) ? [[id, hold.leaseUntilMs]] : [],
    ),
  );
}
