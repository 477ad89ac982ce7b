// SPDX-License-Identifier: Apache-2.0
import type { Proposer } from '@vnfpool/wire/lease';
import type { compareCouncils } from './council.ts';
import type { SlotRecord } from './record.ts';

/**
 * The decisions on which safety rests, one method a rule, so that the simulation can break each of them and
 * must then see a violation. Production never overrides one.
 */
export class LeaseRules {
  /** A member that restarted is mute for its longest lease plus drift. */
  muteMs(longestLeaseMs: number, driftBound: number): number {
    return longestLeaseMs * (1 + driftBound);
  }

  /** A restart forgets nothing that was durable. */
  restored(record: SlotRecord): SlotRecord {
    return record;
  }

  /** A member votes only once it knows what was decided before: absence of a record is not absence of a decision. */
  needsVoice(): boolean {
    return true;
  }

  /** Questions and answers count in the council that they were made for: whoever has left the former one votes there no more. */
  mayRead(order: ReturnType<typeof compareCouncils>): boolean {
    return order === 'same';
  }

  /** After a forced decision, that nobody who is left knows of a holder says nothing. */
  mistrustsSilence(): boolean {
    return true;
  }

  /** After a forced decision nothing is granted for the longest lease that the silent ones may have granted. */
  forcedWaitMs(longestLeaseMs: number, driftBound: number): number {
    return longestLeaseMs * (1 + driftBound);
  }

  /** A round belongs to one proposer: an equal round is promised again only to the same. */
  mayRepeatPromise(promisedTo: Proposer, proposer: Proposer): boolean {
    return sameProposer(promisedTo, proposer);
  }

  /** A round has one value for ever: a holder changes its value by a new round. */
  isOneValueARound(): boolean {
    return true;
  }

  /** A release is final: the member that took it accepts and renews nothing in that round. */
  isReleaseFinal(): boolean {
    return true;
  }

  /** From the first sending of a release on, the holder never acts under that round again. */
  endsWithRelease(): boolean {
    return true;
  }

  /** Whom a hand-over goes to hears of it once the fence of the holder before is closed. */
  handsOnBehindFence(): boolean {
    return true;
  }

  /** What a holder has reserved is its successor's only once it has let go. */
  mayTakeReserved(): boolean {
    return false;
  }

  /** A lease that its holder let go of for an heir keeps others away until it is over: the heir acts within it. */
  guardsHeir(): boolean {
    return true;
  }

  /** An heir's lease counts from its answer that came before the holder's last renewal, not from the word. */
  heirLeaseStartMs(answeredMs: number, _nowMs: number): number {
    return answeredMs;
  }

  /** Who has handed on to an heir tries for nothing while that one acts within the former lease, which would let it pass. */
  heirBarMs(leaseMs: number, driftBound: number): number {
    return leaseMs * (1 + driftBound);
  }

  /** A word about a round up to the highest that its receiver has held, handed on or declined comes late: it is confirmed, and no more. */
  isPastWord(round: number, highestPast: number): boolean {
    return round <= highestPast;
  }

  /** The lease at the holder counts from before the first sending, not from the answers. */
  leaseStartMs(firstSentMs: number, _answeredMs: number): number {
    return firstSentMs;
  }

  /** What the holder may use of a lease: drift is taken off. */
  leaseAtHolderMs(leaseMs: number, driftBound: number): number {
    return leaseMs * (1 - driftBound);
  }

  /** Only whom the last value lets go on does so, before its last resort: others lack what was let out. */
  mayFollow(isAdmitted: boolean): boolean {
    return isAdmitted;
  }

  /** Acting begins when a majority has accepted. */
  isGranted(voters: number, majority: number): boolean {
    return voters >= majority;
  }

  /** A member counts once, however often it answers; `answer` counts the answers. */
  voter(member: number, _answer: number): number {
    return member;
  }

  /** A node whose clock runs at another rate than the others' neither votes nor holds. */
  mayTrustClock(isOutside: boolean): boolean {
    return !isOutside;
  }

  /** Only answers that carry the serial of the request add up. */
  isSameRequest(asked: number, answered: number): boolean {
    return asked === answered;
  }

  /** Only answers to this incarnation count: serials start again with every incarnation. */
  isSameIncarnation(asked: bigint, answered: bigint): boolean {
    return asked === answered;
  }
}

export function sameProposer(a: Proposer, b: Proposer): boolean {
  return a === b || (a.node === b.node && a.incarnation === b.incarnation);
}
