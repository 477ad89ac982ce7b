// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, SlotId } from '../identity.ts';
import type { AgentView } from './told.ts';
import type { AgentOutput } from './types.ts';

/**
 * The candidates that this node offers, by `slot/function`. Who holds as many slots as its pool lets it, one if nothing
 * else is said, does not try for another one. Who failed again and again tries behind all others; who was just told to wait
 * by the hold-down, not at all.
 */
export function candidatesOf({
  node,
  configuration,
  residents,
  slots,
  shared,
  lastHolders,
  nowMs,
}: Omit<AgentView, 'failovers' | 'keptFailovers' | 'host' | 'muteMs' | 'isLeaving'>): Map<
  string,
  AgentOutput & { type: 'candidate' }
> {
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
      const { life, assignment, standing } = resident;
      const mine = held.get(id) ?? [];
      const isHolder = mine.includes(slot.id);
      const isFull = mine.length >= (slot.slotsPerFunction ?? 1) && !isHolder;
      const order =
        assignment?.slot?.id === slot.id
          ? assignment.ranking
          : slot.candidates.map(({ functionId }) => functionId);
      // Among those who would follow: the holder, also one just lost, does not stand in its own queue.
      const holder = lastHolders.get(slot.id as SlotId);
      const ranked = order.filter((functionId) => functionId === id || functionId !== holder).indexOf(id);
      const behind = standing.isSuppressed(assignment, nowMs) ? slot.candidates.length : 0;
      const state = shared.stateOf(slot, resident);
      // What it told its agent last goes to standbys first; and a start in place keeps the slot.
      const isEndedAtOnce = state === undefined && (assignment?.restart?.inPlace ?? 0) === 0;
      const pid = isEndedAtOnce ? life.report().pid : null;
      wanted.set(`${slot.id}/${id}`, {
        type: 'candidate',
        slot: slot.id as SlotId,
        functionId: id,
        incarnation: life.leaseIncarnation,
        ready: life.ready && !isFull && (isHolder || !standing.isHeldDown(nowMs)),
        rank: (ranked >= 0 ? ranked : position) + behind,
        ...(state && { state }),
        ...(pid !== null && { pid }),
      });
    }
  }
  return wanted;
}
