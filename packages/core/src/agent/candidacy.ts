// SPDX-License-Identifier: Apache-2.0
import type { SetConfiguration, SlotState } from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { Resident } from './agent.ts';
import type { AgentOutput } from './types.ts';

/**
 * The candidates that this node offers, by `slot/function`. Who holds a slot does not try for another one:
 * an instance serves one slot at a time.
 */
export function candidatesOf(
  node: NodeId,
  configuration: SetConfiguration | null,
  residents: ReadonlyMap<FunctionId, Resident>,
  slots: ReadonlyMap<SlotId, SlotState>,
  lastHolders: ReadonlyMap<SlotId, number>,
): Map<string, AgentOutput & { type: 'candidate' }> {
  const wanted = new Map<string, AgentOutput & { type: 'candidate' }>();
  const busy = new Map<number, string>();
  for (const [slot, state] of slots) {
    if (state.state === 'holding' && state.holder) busy.set(state.holder.functionId, slot);
  }
  for (const slot of configuration?.slots ?? []) {
    for (const [position, candidate] of slot.candidates.entries()) {
      const id = candidate.functionId as FunctionId;
      const resident = residents.get(id);
      if (candidate.node !== node || !resident || resident.life.gone) continue;
      const { life, assignment } = resident;
      const elsewhere = busy.has(id) && busy.get(id) !== slot.id;
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
        ready: life.ready && !elsewhere,
        rank: ranked >= 0 ? ranked : position,
      });
    }
  }
  return wanted;
}
