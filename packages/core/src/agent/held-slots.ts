// SPDX-License-Identifier: Apache-2.0
import type { SetConfiguration, SlotDefinition, SlotState } from '@vnfpool/wire/mobility';
import type { FunctionId, SlotId } from '../identity.ts';
import { once } from '../once.ts';

/** The slots that are held on this node, by the function that holds them. */
export type HeldSlots = ReadonlyMap<FunctionId, readonly SlotState[]>;

export function heldSlots(slots: ReadonlyMap<SlotId, SlotState>): HeldSlots {
  const held = new Map<FunctionId, SlotState[]>();
  for (const slot of slots.values()) {
    if (slot.state !== 'holding' || !slot.holder) continue;
    const functionId = slot.holder.functionId as FunctionId;
    const others = held.get(functionId);
    if (others === undefined) held.set(functionId, [slot]);
    else others.push(slot);
  }
  return held;
}

/** What slots are, by id. */
export const definitionsOf: (configuration: SetConfiguration) => ReadonlyMap<string, SlotDefinition> = once(
  ({ slots }) => new Map(slots.map((definition) => [definition.id, definition])),
);
