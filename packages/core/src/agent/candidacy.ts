// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, SlotId } from '../identity.ts';
import type { Resident } from './agent.ts';
import { heldSlots } from './held-slots.ts';
import type { AgentView } from './told.ts';
import type { AgentOutput } from './types.ts';

type Candidate = AgentOutput & { type: 'candidate' };

/** What there is to say of a function whichever slot it is a candidate for. */
interface Offering {
  readonly resident: Resident;
  readonly held: ReadonlySet<string>;
  readonly isReady: boolean;
  readonly isHeldDown: boolean;
  readonly isSuppressed: boolean;
  /** Null: its end is not its candidates' at once. */
  readonly pid: number | null;
}

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
}: Omit<AgentView, 'failovers' | 'keptFailovers' | 'host' | 'muteMs' | 'isLeaving'>): Map<string, Candidate> {
  const wanted = new Map<string, Candidate>();
  const offerings = offeringsOf(residents, slots, nowMs);
  for (const slot of configuration?.slots ?? []) {
    const slotId = slot.id as SlotId;
    for (const [position, candidate] of slot.candidates.entries()) {
      const id = candidate.functionId as FunctionId;
      const offering = candidate.node === node ? offerings.get(id) : undefined;
      if (!offering) continue;
      const { resident, held, isReady, isHeldDown, isSuppressed } = offering;
      const { life, assignment } = resident;
      const isHolder = held.has(slotId);
      const isFull = held.size >= (slot.slotsPerFunction ?? 1) && !isHolder;
      const order =
        assignment?.slot?.id === slotId
          ? assignment.ranking
          : slot.candidates.map(({ functionId }) => functionId);
      const rank = rankIn(order, id, lastHolders.get(slotId)) ?? position;
      const state = shared.stateOf(slot, resident);
      // What it told its agent last goes to standbys first.
      const pid = state === undefined ? offering.pid : null;
      wanted.set(`${slotId}/${id}`, {
        type: 'candidate',
        slot: slotId,
        functionId: id,
        incarnation: life.leaseIncarnation,
        ready: isReady && !isFull && (isHolder || !isHeldDown),
        rank: rank + (isSuppressed ? slot.candidates.length : 0),
        ...(state && { state }),
        ...(pid !== null && { pid }),
      });
    }
  }
  return wanted;
}

function offeringsOf(
  residents: AgentView['residents'],
  slots: AgentView['slots'],
  nowMs: number,
): Map<FunctionId, Offering> {
  const held = heldSlots(slots);
  const offerings = new Map<FunctionId, Offering>();
  for (const [id, resident] of residents) {
    const { life, assignment, standing } = resident;
    if (life.gone) continue;
    // A start in place keeps the slot.
    const isEndedAtOnce = (assignment?.restart?.inPlace ?? 0) === 0;
    offerings.set(id, {
      resident,
      held: new Set((held.get(id) ?? []).map((slot) => slot.id)),
      isReady: life.ready,
      isHeldDown: standing.isHeldDown(nowMs),
      isSuppressed: standing.isSuppressed(assignment, nowMs),
      pid: isEndedAtOnce ? life.report().pid : null,
    });
  }
  return offerings;
}

/** Its place among those who would follow: the holder, also one just lost, does not stand in its own queue. */
function rankIn(order: readonly number[], id: number, holder: number | undefined): number | undefined {
  const at = order.indexOf(id);
  if (at < 0) return undefined;
  const holderAt = holder === undefined || holder === id ? -1 : order.indexOf(holder);
  return holderAt >= 0 && holderAt < at ? at - 1 : at;
}
