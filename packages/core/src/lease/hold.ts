// SPDX-License-Identifier: Apache-2.0
import type {
  AcceptedValue,
  LeaseHolder,
  LeaseValue,
  Refuse,
  ReleaseReason,
  Renewal as SlotRenewal,
} from '@vnfpool/wire/lease';
import type { SlotCandidate } from '@vnfpool/wire/mobility';
import type { Echo } from './attempt.ts';
import { sendToAll } from './context.ts';
import type { Granted, HandedOnHold } from './handed-on.ts';
import { type Heir, Heirs } from './heir.ts';
import type { Reserved } from './reserving.ts';
import type { Slot } from './slot.ts';
import { causeOf } from './succession.ts';
import { Tally } from './tally.ts';
import { attemptRetransmitMs, heirLeastMs } from './timing.ts';
import type { LostReason } from './types.ts';
import { isOutdated } from './value.ts';

interface Renewal {
  readonly serial: number;
  readonly firstSentMs: number;
  readonly tally: Tally;
}

/** The last word on whom a holder wants listed. */
export interface Listing {
  /** Undefined: it has not said. */
  readonly candidates: readonly SlotCandidate[] | undefined;
  readonly serial: number;
}

export interface HeirNow extends Heir {
  readonly answeredSerial: number;
}

export interface Closing {
  readonly reason: ReleaseReason;
  /** What was reserved for the one that a hand-over goes to. */
  reserved: Reserved | undefined;
}

/** The right to act, while it lasts: its lease, the renewals of it, and what the fence is told. */
export class Hold {
  readonly #slot: Slot;
  /** Epoch of the grant; renumbering raises the current one. */
  readonly #grantEpoch: number;
  /** What this hold rests on: the proposal that was granted last. */
  #granted: Granted;
  #leaseUntilMs: number;
  #isActivated = false;
  #mustRenumber: boolean;
  #renewal: Renewal | undefined;
  #request: SlotRenewal | undefined;
  #renewAtMs: number;
  #closing: Closing | undefined;
  #isFenceClosed = false;
  #listing: Listing = { candidates: undefined, serial: 0 };
  #heirs: Heirs | undefined;
  #keptRound = 0;
  /** Of the renewal that a majority has confirmed last. */
  #confirmedSerial: number | undefined;
  /** A majority has accepted the round: an heir begins before that. */
  #isAccepted: boolean;

  constructor(slot: Slot, granted: Granted, leaseUntilMs: number, isAccepted = true) {
    this.#slot = slot;
    this.#granted = granted;
    this.#isAccepted = isAccepted;
    this.#grantEpoch = slot.epoch(granted.round);
    this.#leaseUntilMs = leaseUntilMs;
    this.#mustRenumber = this.isOutdated;
    this.#renewAtMs = slot.context.nextRenewalMs(granted.value.leaseMs, granted.firstSentMs);
  }

  /** A hold that the process before had, with its fence open: it is renewed at once. */
  static takenOver(slot: Slot, { leaseUntilMs, ...granted }: HandedOnHold, nowMs: number): Hold {
    const hold = new Hold(slot, granted, leaseUntilMs);
    hold.#isActivated = true;
    hold.renewAtOnce(nowMs);
    return hold;
  }

  /** Undefined while something is under way: its fence is not open yet, or is being closed. */
  handOn(): HandedOnHold | undefined {
    if (!this.#isActivated || !this.#isAccepted || this.#closing !== undefined) return undefined;
    const { round, holder, value, former, firstSentMs } = this.#granted;
    return { round, holder, value, former, firstSentMs, leaseUntilMs: this.#leaseUntilMs };
  }

  /** The value as members keep it. */
  get asAccepted(): AcceptedValue {
    return this.#slot.asAccepted(this.#granted);
  }

  get holder(): LeaseHolder {
    return this.#granted.holder;
  }

  get round(): number {
    return this.#granted.round;
  }

  get value(): LeaseValue {
    return this.#granted.value;
  }

  get epoch(): number {
    return this.#slot.epoch(this.round);
  }

  /** Whom it wants listed, where that is its own affair. */
  get listing(): Listing {
    return this.#listing;
  }

  /** Says whom it wants listed: those that have its state. */
  list(listing: Listing): void {
    this.#listing = listing;
  }

  /** Whether its value says something else than what is wanted now. */
  get isOutdated(): boolean {
    return isOutdated(this.value, this.#slot.definition, this.#listing.candidates);
  }

  /** Whether `epoch` is one that this hold has or had. */
  isEpoch(epoch: number): boolean {
    return epoch >= this.#grantEpoch && epoch <= this.epoch;
  }

  /** Set from the order to let go on. */
  get closing(): Closing | undefined {
    return this.#closing;
  }

  /** The kernel has closed it. */
  get isFenceClosed(): boolean {
    return this.#isFenceClosed;
  }

  /** `detectedAtMs`: since when the slot was seen to be free. */
  tellGranted(detectedAtMs: number): void {
    const { former, value } = this.#granted;
    const { functionId, functionIncarnation } = this.holder;
    this.#slot.context.emit({
      type: 'granted',
      slot: this.#slot.id,
      epoch: this.epoch,
      functionId,
      functionIncarnation,
      ...causeOf(former),
      previous: former.value.holder.node === 0 ? null : former.value.holder,
      candidates: value.candidates,
      lossMark: value.lossMark,
      detectedAtMs,
      leaseUntilMs: this.#leaseUntilMs,
    });
  }

  // The fence -------------------------------------------------------------------------------------------

  activate(epoch: number, nowMs: number): void {
    if (this.#closing !== undefined || !this.isEpoch(epoch)) return;
    this.#isActivated = true;
    this.#extendFence();
    this.#lookForHeirs(nowMs);
  }

  /** From now on it only waits for the fence. */
  close(closing: Closing): void {
    const { id, context } = this.#slot;
    this.#closing = closing;
    if (context.rules.endsWithRelease()) this.#renewal = undefined;
    this.#dropHeirs();
    context.emit({ type: 'fence-close', slot: id, epoch: this.epoch, reason: closing.reason });
  }

  /** The kernel has acknowledged. */
  fenceClosed(): void {
    this.#isFenceClosed = true;
  }

  /** For the rule that is broken on purpose: goes on after its release. */
  reopen(): void {
    this.#closing = undefined;
    this.#isFenceClosed = false;
  }

  /** Whether the lease ran out. While the fence is being closed, the release decides. */
  hasLapsed(nowMs: number): boolean {
    return this.#closing === undefined && nowMs >= this.#leaseUntilMs;
  }

  /** The kernel has closed the fence by itself; this says it once more and tells the agent. */
  lapse(): void {
    this.abandon('expired');
  }

  /** Closes the fence and ends the role, without a word to the council. */
  abandon(reason: LostReason): void {
    const { id, context } = this.#slot;
    context.emit({ type: 'fence-close', slot: id, epoch: this.epoch, reason });
    this.lost(reason);
  }

  /** The role is over; what follows from that here (an address leaves the link) may take longer than a failover. */
  lost(reason: LostReason): void {
    this.#slot.context.emit({ type: 'lost', slot: this.#slot.id, epoch: this.epoch, reason });
  }

  #extendFence(): void {
    if (!this.#isActivated || this.#closing !== undefined) return;
    const { id, context } = this.#slot;
    context.emit({ type: 'fence-until', slot: id, epoch: this.epoch, untilMs: this.#leaseUntilMs });
  }

  // Renewals --------------------------------------------------------------------------------------------

  /** While it renumbers, it does not renew; while the fence is being closed, nothing is due. */
  nextDeadline(isRenumbering: boolean): number | undefined {
    if (this.#closing !== undefined) return undefined;
    if (isRenumbering) return this.#leaseUntilMs;
    const heirsMs = this.#heirs?.nextDeadline() ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#leaseUntilMs, this.#renewAtMs, heirsMs);
  }

  /** What was asked before does not count any more. */
  renewAtOnce(nowMs: number): void {
    this.#renewal = undefined;
    this.#renewAtMs = nowMs;
    // Others may have been members.
    this.#confirmedSerial = undefined;
    this.#lookForHeirs(nowMs);
  }

  /** An heir's round is accepted behind its beginning; until then it is renewed in no other way. */
  askToAccept(nowMs: number): void {
    const { id, context, council } = this.#slot;
    const { round, value } = this;
    this.#renewal ??= {
      serial: this.#slot.nextSerial(),
      firstSentMs: nowMs,
      tally: new Tally(context.rules),
    };
    this.#renewAtMs = nowMs + attemptRetransmitMs(value.leaseMs, context.slots());
    const { serial } = this.#renewal;
    sendToAll(context, council.members, { type: 'accept', slot: id, serial, round, value });
  }

  /** All slots with leases of one length are renewed at the same moments, by one message to each member. */
  renewIfDue(nowMs: number): void {
    this.#heirs?.expire(nowMs);
    if (nowMs < this.#renewAtMs) return;
    if (!this.#isAccepted) {
      this.askToAccept(nowMs);
      return;
    }
    const { context } = this.#slot;
    const { leaseMs } = this.value;
    this.#renewAtMs = context.nextRenewalMs(leaseMs, nowMs);
    this.#renewal = {
      serial: context.renew(this.#asRenewal(), leaseMs, nowMs),
      firstSentMs: nowMs,
      tally: new Tally(context.rules),
    };
  }

  /** The same object as long as it is the same round: there are many, and they go out often. */
  #asRenewal(): SlotRenewal {
    const { round } = this;
    if (this.#request?.round !== round) this.#request = { slot: this.#slot.id, round };
    return this.#request;
  }

  /** Renews if that is due and nothing else is; false: something else may be. */
  renewOnlyIfDue(nowMs: number): boolean {
    if (this.#mustRenumber || this.#closing !== undefined || nowMs >= this.#leaseUntilMs) return false;
    this.renewIfDue(nowMs);
    return true;
  }

  renewed(from: number, message: Echo, nowMs: number): void {
    const renewal = this.#renewalOf(message);
    if (renewal === undefined) return;
    renewal.tally.add(from);
    if (renewal.tally.count < this.#slot.council.majority) return;
    this.#isAccepted = true;
    this.#confirmedSerial = renewal.serial;
    const untilMs = heldUntilMs(this.#slot, this.value.leaseMs, renewal.firstSentMs, nowMs);
    if (untilMs > this.#leaseUntilMs) {
      this.#leaseUntilMs = untilMs;
      this.#extendFence();
    }
  }

  awaits(serial: number): boolean {
    return this.#closing === undefined && this.#renewal?.serial === serial;
  }

  /** Notes a refused renewal; true if a higher round is needed. A member that missed the round is given it. */
  refused(from: number, message: Refuse): boolean {
    if (this.#heirs?.refused(from, message)) return false;
    const renewal = this.#renewalOf(message);
    if (renewal === undefined) return false;
    if (message.reason === 'not-accepted') {
      // Its lease then counts from this message, later than the renewal's first sending.
      const { id, context } = this.#slot;
      const { round, value } = this;
      context.send(from, { type: 'accept', slot: id, serial: renewal.serial, round, value });
    }
    return message.reason === 'promised';
  }

  #renewalOf({ round, serial }: Echo): Renewal | undefined {
    const renewal = this.#renewal;
    if (this.#closing !== undefined || renewal === undefined || this.round !== round) return undefined;
    return this.#slot.context.rules.isSameRequest(renewal.serial, serial) ? renewal : undefined;
  }

  // Renumbering -----------------------------------------------------------------------------------------

  /** A member has promised a higher round, or the value is outdated: a renewal will not do. */
  mustRenumber(): void {
    this.#mustRenumber = true;
    this.#renewal = undefined;
    this.#confirmedSerial = undefined;
    this.#dropHeirs();
  }

  /** No majority was found for the higher round: tries again at `atMs`, while the lease runs. */
  mustRenumberAt(atMs: number): void {
    this.mustRenumber();
    this.#renewAtMs = atMs;
  }

  isRenumberingDue(nowMs: number): boolean {
    return this.mayRenumber && this.#mustRenumber && nowMs >= this.#renewAtMs;
  }

  /** The higher round was granted; the fence stays open under its epoch. */
  renumbered(granted: Granted & { readonly listSerial: number }, leaseUntilMs: number): void {
    const { id, context } = this.#slot;
    const formerEpoch = this.epoch;
    const { candidates } = granted.value;
    this.#granted = granted;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, leaseUntilMs);
    this.#mustRenumber = this.isOutdated;
    this.#renewal = undefined;
    this.#renewAtMs = context.nextRenewalMs(granted.value.leaseMs, granted.firstSentMs);
    // Where the value says what was wanted last, no other is under way.
    const listSerial = this.#mustRenumber ? granted.listSerial : this.#listing.serial;
    context.emit({ type: 'renumbered', slot: id, epoch: this.epoch, formerEpoch, candidates, listSerial });
    this.#extendFence();
    this.#lookForHeirs(granted.firstSentMs);
  }

  /** Before its round is accepted, members keep a higher one from everybody: by the lease within which it began. */
  get mayRenumber(): boolean {
    return this.#isAccepted;
  }

  // Heirs -----------------------------------------------------------------------------------------------

  #lookForHeirs(nowMs: number): void {
    const { context, definition } = this.#slot;
    // Where state is shared the last updates go to whoever follows, which takes a hand-over.
    const mayHave =
      context.namesHeirs && definition.sharing === undefined && context.rules.isOneValueARound();
    const isSettled = this.#isActivated && this.#closing === undefined && !this.#mustRenumber;
    this.#dropHeirs();
    if (mayHave && isSettled) this.#heirs = new Heirs(this.#slot, this.round, this.value.candidates, nowMs);
  }

  #dropHeirs(): void {
    this.#keptRound = this.keptRound;
    this.#heirs = undefined;
  }

  /** The highest round that members were asked to keep for an heir, or 0. */
  get keptRound(): number {
    return Math.max(this.#keptRound, this.#heirs?.keptRound ?? 0);
  }

  get heirs(): Heirs | undefined {
    return this.#heirs;
  }

  /** Who follows without a decision if the holder lets go now, and by which of its answers; undefined: nobody. */
  heirNow(nowMs: number): HeirNow | undefined {
    const heir = this.#heirs?.heir;
    const { context } = this.#slot;
    const { leaseMs } = this.value;
    if (heir === undefined || this.#confirmedSerial === undefined || this.isOutdated) return undefined;
    const answer = context.answerBefore(this.#confirmedSerial, heir.proposer);
    if (answer === undefined || !context.trusts(heir.proposer.node)) return undefined;
    // It answered after the request went out, so that it has at least this much left.
    const leftMs = context.rules.leaseAtHolderMs(leaseMs, context.driftBound) - (nowMs - answer.sentMs);
    return leftMs < heirLeastMs() ? undefined : { ...heir, answeredSerial: answer.serial };
  }
}

/** Until when a holder may act on a request that was first sent at `firstSentMs` and is answered now. */
export function heldUntilMs(slot: Slot, leaseMs: number, firstSentMs: number, nowMs: number): number {
  const { rules, driftBound } = slot.context;
  return rules.leaseStartMs(firstSentMs, nowMs) + rules.leaseAtHolderMs(leaseMs, driftBound);
}
