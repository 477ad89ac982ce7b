// SPDX-License-Identifier: Apache-2.0
import type { SetConfiguration, SlotState } from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { Resident } from './agent.ts';
import type { AgentOutput } from './types.ts';

/**
 * The candidates that this node offers, by `slot/function`. Who holds as many slots as its pool lets it, one if nothing
 * else is said, does not try for another one.
 */
export function candidatesOf(
  node: NodeId,
  configuration: SetConfiguration | null,
  residents: ReadonlyMap<FunctionId, Resident>,
  slots: ReadonlyMap<SlotId, SlotState>,
  lastHolders: ReadonlyMap<SlotId, number>,
): Map<string, AgentOutput & { type: 'candidate' }> {
  const wanted = new Map<string, AgentOutput & { type: 'candidate' }>();
  const held = new Map<number, string[]>();
  for (const [slot, state] of slots) {
    if (state.state !== 'holding' || !state.holder) continue;
    const { functionId } = state.holder;
    held.set(functionId, [...(held.get(functionId) ?? []), slot]);
  }
  for (const slot of configuration?.slots ?? []) {
    for (const [position, candidate] of slot.candidates.entries()) {
      const id = candidate.functionId as FunctionId;
      const resident = residents.get(id);
      if (candidate.node !== node || !resident || resident.life.gone) continue;
      const { life, assignment } = resident;
      const mine = held.get(id) ?? [];
      const isFull = mine.length >= (slot.slotsPerFunction ?? 1) && !mine.includes(slot.id);
      const order =
        assignment?.slot?.id === slot.id
          ? assignment.ranking
          : slot.candidates.map(({ functionId }) => functionId);
      // Among those who would follow: the holder, also one just lost, does not stand in its own queue.
      const holder = lastHolders.get(slot.id as SlotId);
      const ranked = order.filter((functionId) => functionId === id || functionId !== holder).indexOf(id);
      wanted.set(`${slot.id}/${id}`, {
        type: 'candidate',
        slot: slot.id as SlotId,
        functionId: id,
        incarnation: life.incarnation,
        ready: life.ready && !isFull,
        rank: ranked >= 0 ? ranked : position,
      });
    }
  }
  return wanted;
}
