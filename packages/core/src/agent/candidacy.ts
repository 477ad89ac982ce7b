// SPDX-License-Identifier: Apache-2.0
import type { SlotCandidate, SlotDefinition } from '@vnfpool/wire/mobility';
import type { FunctionId, SlotId } from '../identity.ts';
import { once } from '../once.ts';
import { isSame } from '../same.ts';
import type { Resident } from './agent.ts';
import { heldSlots } from './held-slots.ts';
import type { AgentView } from './told.ts';
import type { AgentOutput } from './types.ts';

type Candidate = AgentOutput & { type: 'candidate' };

type CandidacyView = Pick<
  AgentView,
  'node' | 'configuration' | 'residents' | 'slots' | 'shared' | 'lastHolders' | 'nowMs'
>;

/** The same object while nothing about it has changed. */
export interface Offered {
  /** `slot/function`. */
  readonly key: string;
  readonly candidate: Candidate;
}

/** What there is to say of a function whichever slot it is a candidate for. */
interface Offering {
  readonly resident: Resident;
  readonly held: ReadonlySet<string>;
  readonly isReady: boolean;
  readonly isHeldDown: boolean;
  readonly isSuppressed: boolean;
  /** Undefined: its end is not its candidates' at once. */
  readonly pid: number | undefined;
}

/** The candidates that this node offers. */
export class Candidacy {
  /** As they were offered last: there are many, and few change at a time. */
  readonly #offered = new WeakMap<SlotCandidate, Offered>();

  /**
   * Of all slots. Who holds as many slots as its pool lets it, one if nothing else is said, does not try for another one. Who
   * failed again and again tries behind all others; who was just told to wait by the hold-down, not at all.
   */
  offered({ node, configuration, residents, slots, shared, lastHolders, nowMs }: CandidacyView): Offered[] {
    const offerings = offeringsOf(residents, slots, nowMs);
    const all: Offered[] = [];
    for (const slot of configuration?.slots ?? []) {
      const slotId = slot.id as SlotId;
      for (const candidate of slot.candidates) {
        const id = candidate.functionId as FunctionId;
        const offering = candidate.node === node ? offerings.get(id) : undefined;
        if (!offering) continue;
        const { resident, held, isReady, isHeldDown, isSuppressed } = offering;
        const { life, assignment } = resident;
        const isHolder = held.has(slotId);
        const isFull = held.size >= (slot.slotsPerFunction ?? 1) && !isHolder;
        const isRanked = assignment?.slot?.id === slotId && assignment.ranking.includes(id);
        const order = isRanked ? assignment.ranking : orderOf(slot);
        const rank = rankIn(order, id, lastHolders.get(slotId)) + (isSuppressed ? slot.candidates.length : 0);
        const ready = isReady && !isFull && (isHolder || !isHeldDown);
        const incarnation = life.leaseIncarnation;
        const state = shared.stateOf(slot, resident);
        // What it told its agent last goes to standbys first.
        const pid = state === undefined ? offering.pid : undefined;
        const known = this.#offered.get(candidate);
        const former = known?.candidate;
        if (
          known &&
          former?.ready === ready &&
          former.rank === rank &&
          former.incarnation === incarnation &&
          former.pid === pid &&
          isSame(former.state, state)
        ) {
          all.push(known);
          continue;
        }
        const offered: Offered = {
          key: `${slotId}/${id}`,
          candidate: {
            type: 'candidate',
            slot: slotId,
            functionId: id,
            incarnation,
            ready,
            rank,
            ...(state && { state }),
            ...(pid !== undefined && { pid }),
          },
        };
        this.#offered.set(candidate, offered);
        all.push(offered);
      }
    }
    return all;
  }
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
      pid: isEndedAtOnce ? (life.report().pid ?? undefined) : undefined,
    });
  }
  return offerings;
}

const orderOf = once(({ candidates }: SlotDefinition) => candidates.map(({ functionId }) => functionId));

/** Its place among those who would follow: the holder, also one just lost, does not stand in its own queue. */
function rankIn(order: readonly number[], id: number, holder: number | undefined): number {
  const at = order.indexOf(id);
  const holderAt = holder === undefined || holder === id ? -1 : order.indexOf(holder);
  return holderAt >= 0 && holderAt < at ? at - 1 : at;
}
