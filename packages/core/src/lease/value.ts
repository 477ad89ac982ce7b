// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseCandidate, LeaseHolder, LeaseValue } from '@vnfpool/wire/lease';
import { CANDIDATES_MAX } from '@vnfpool/wire/lease';
import type { SlotCandidate, SlotDefinition } from '@vnfpool/wire/mobility';
import type { ReplicaPosition } from '@vnfpool/wire/replication';

export const NOBODY: LeaseHolder = { node: 0, functionId: 0, functionIncarnation: 0n };

/** The value that a slot is born with: its first candidates, held by nobody. */
export function genesisValue(slot: SlotDefinition): LeaseValue {
  return {
    holder: NOBODY,
    candidates: anyStart(slot.genesis.candidates),
    lastResort: slot.lastResort,
    lossMark: false,
    leaseMs: slot.leaseMs,
    randomId: slot.genesis.randomId,
  };
}

/** What stands for values that nobody who is left knows: any candidate of now may have been the one to follow. */
export function unknownValue(slot: SlotDefinition): LeaseValue {
  return { ...genesisValue(slot), candidates: anyStart(slot.candidates) };
}

/** The value that a new holder, or a holder with a new list, proposes. */
export function proposedValue(
  slot: SlotDefinition,
  holder: LeaseHolder,
  listed: readonly SlotCandidate[],
  lossMark: boolean,
  random: bigint,
): LeaseValue {
  return {
    holder,
    candidates: anyStart(listed),
    lastResort: slot.lastResort,
    lossMark,
    leaseMs: slot.leaseMs,
    randomId: random.toString(16).padStart(16, '0'),
  };
}

/** Whether only some candidates have the state of the slot: it goes to standbys. In a store every candidate finds it. */
export function isWithStandbys({ sharing }: Pick<SlotDefinition, 'sharing'>): boolean {
  return sharing?.method === 'replicate' || sharing?.method === 'conntrack';
}

/**
 * Whom a holder that follows on `former` lists. Where standbys have the state that is the holder's own affair: itself, as its agent has a
 * copy, too, and those that it says have its state; at first those that the holder before has said, but for that one, whose last
 * updates are nobody's. Else whoever is a candidate.
 */
export function listedAfter(
  slot: SlotDefinition,
  { holder }: Pick<LeaseValue, 'holder'>,
  former: LeaseValue,
  wanted: readonly SlotCandidate[] | undefined,
): readonly SlotCandidate[] {
  if (!isWithStandbys(slot)) return slot.candidates;
  const others = wanted ?? former.candidates.filter(({ node }) => node !== former.holder.node);
  return [holder, ...others.filter(({ node }) => node !== holder.node)];
}

/** Whether `next` is listed by the value that stands, and is to be listed by the one after it. @param wanted as for `listedAfter` */
export function mayBeNext(
  slot: SlotDefinition,
  former: LeaseValue,
  next: LeaseHolder,
  wanted: readonly SlotCandidate[] | undefined,
): boolean {
  if (!isCandidate(former, next)) return false;
  const following = isWithStandbys(slot) ? wanted : slot.candidates;
  return (
    following?.some(({ node, functionId }) => node === next.node && functionId === next.functionId) ?? true
  );
}

/** What of a slot's shared state a candidate has. */
export interface CandidateState {
  /** A copy of what a holder had. */
  readonly hasCopy: boolean;
  /**
   * The epoch under which its function held the slot last, with all of the state; null: never since it started. A round that was
   * decided and never acted upon gave it none.
   */
  readonly ownEpoch: number | null;
  /** How far that copy came; absent: there is none, or it was not said. Whoever came farthest goes first by the last resort. */
  readonly position?: ReplicaPosition;
  /** An operator accepts what is lost when it goes on behind this epoch with what it has; absent: nobody said so. */
  readonly acceptedLoss?: number;
}

/** Whether a candidate has no more what it had. */
export function lacksMore(before: CandidateState | undefined, now: CandidateState | undefined): boolean {
  if (now === undefined) return false;
  if (before === undefined) return true;
  return (before.hasCopy && !now.hasCopy) || (before.ownEpoch !== null && before.ownEpoch !== now.ownEpoch);
}

/**
 * Whether the value of `epoch` lets `holder` go on, given what it has: as listed, or as the last holder while its function lives.
 * A slot that nobody has held yet has no state. @param state undefined: none is shared, nobody lacks any
 */
export function admits(
  { round, value }: Pick<AcceptedValue, 'round' | 'value'>,
  epoch: number,
  holder: LeaseHolder,
  state: CandidateState | undefined,
): boolean {
  if (state === undefined) return lists(value, holder);
  if (sameHolder(value.holder, holder) && state.ownEpoch === epoch) return true;
  return (state.hasCopy || round === 0) && isCandidate(value, holder);
}

/** Whether an operator lets the candidate go on behind this epoch, with whatever it has. */
export function isLossAccepted(epoch: number, state: CandidateState | undefined): boolean {
  return state?.acceptedLoss === epoch;
}

/** Whether the value names `holder`, whatever state it has. */
export function lists(value: LeaseValue, holder: LeaseHolder): boolean {
  return sameHolder(value.holder, holder) || isCandidate(value, holder);
}

function isCandidate({ candidates }: LeaseValue, holder: LeaseHolder): boolean {
  return candidates.some(
    (candidate) =>
      candidate.node === holder.node &&
      candidate.functionId === holder.functionId &&
      (candidate.functionIncarnation === 0n || candidate.functionIncarnation === holder.functionIncarnation),
  );
}

export function sameHolder(a: LeaseHolder, b: LeaseHolder): boolean {
  return (
    a.node === b.node && a.functionId === b.functionId && a.functionIncarnation === b.functionIncarnation
  );
}

/** Whether a holder of `value` has to renumber to say what the definition says now, and whom it wants listed. */
export function isOutdated(
  value: LeaseValue,
  slot: SlotDefinition,
  listed: readonly SlotCandidate[] | undefined,
): boolean {
  const wanted = anyStart(listedAfter(slot, value, value, listed));
  return (
    value.leaseMs !== slot.leaseMs ||
    value.lastResort.rule !== slot.lastResort.rule ||
    (value.lastResort.rule === 'after' &&
      slot.lastResort.rule === 'after' &&
      value.lastResort.afterMs !== slot.lastResort.afterMs) ||
    value.candidates.length !== wanted.length ||
    wanted.some((candidate, index) => {
      const listed = value.candidates[index];
      return listed === undefined || !sameHolder(listed, candidate);
    })
  );
}

function anyStart(candidates: SlotDefinition['candidates']): LeaseCandidate[] {
  return candidates
    .slice(0, CANDIDATES_MAX)
    .map(({ node, functionId }) => ({ node, functionId, functionIncarnation: 0n }));
}
