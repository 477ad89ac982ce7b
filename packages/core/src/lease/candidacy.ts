// SPDX-License-Identifier: Apache-2.0
import type {
  Accepted,
  HandOn,
  LeaseHolder,
  LeaseValue,
  Offer,
  PromiseMessage,
  Ready,
  Refuse,
  Release,
  Released,
  ReleaseReason,
  Standing,
} from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import type { Echo } from './attempt.ts';
import type { SlotContext } from './context.ts';
import { Following } from './following.ts';
import {
  beginHandOver,
  type HandOver,
  type HandOverTarget,
  type ReadySuccessor,
  seekSuccessor,
} from './hand-over.ts';
import type { Granted, HandedOnSlot } from './handed-on.ts';
import { type Closing, Hold, heldUntilMs, type Listing } from './hold.ts';
import { LastResort } from './last-resort.ts';
import { type RegisterView, ROUND_JUMP_MAX } from './member.ts';
import { Observer } from './observer.ts';
import { Preparing, type Verdict } from './preparing.ts';
import { type Basis, Proposing } from './proposing.ts';
import { inherited, type Reserved, Reserving } from './reserving.ts';
import { Retiring, type Word, wordTo } from './retiring.ts';
import { Slot } from './slot.ts';
import type { Moment, Timed } from './slot-timers.ts';
import { earliest, rankSpreadMs, renewalMs, unlistedProbeMs } from './timing.ts';
import { type Candidate, Turn } from './turn.ts';
import type { LeaseOutput, LostReason } from './types.ts';
import { type CandidateState, lacksMore, lists, sameHolder } from './value.ts';

/**
 * One slot's proposer on one node: tries for the slot, holds it, renews it, lets it go. It sees its own node's
 * member like any other, through `context.send`. What is under way is an object of its own, with its deadlines;
 * this decides which of them there is, and what follows from one for the others.
 */
export class Candidacy implements Timed {
  moment: Moment | undefined;
  readonly #slot: Slot;
  readonly #turn: Turn;
  readonly #observer: Observer;
  readonly #lastResort: LastResort;
  readonly #following: Following;
  #attempt: Preparing | Proposing | undefined;
  #hold: Hold | undefined;
  #handOver: HandOver | undefined;
  #retiring: Retiring | undefined;
  #highestProposed = 0;
  #highestPrepared = 0;
  /** Of the rounds that this node has held, handed on or declined: a word about none above it comes late, and nobody waits for an answer but who sends it. */
  #highestPast = 0;
  /** Until then the one that the slot was handed on to acts within a lease of this node's, which lets its own tries pass. */
  #barredUntilMs = Number.NEGATIVE_INFINITY;

  constructor(context: SlotContext, definition: SlotDefinition, nowMs: number) {
    this.#slot = new Slot(context, definition, nowMs);
    this.#turn = new Turn(this.#slot);
    this.#observer = new Observer(this.#slot);
    this.#lastResort = new LastResort(this.#slot, this.#turn);
    this.#following = new Following(this.#slot, this.#turn);
  }

  /** Goes on where the process before has stopped. */
  static takenOver(context: SlotContext, handedOn: HandedOnSlot, nowMs: number): Candidacy {
    const { definition, highestRound, candidate, hold } = handedOn;
    const slot = new Candidacy(context, definition, nowMs);
    slot.#highestProposed = highestRound;
    slot.#slot.knowledge.highestRound = highestRound;
    // Copies ended with the process that had them.
    const state = candidate?.state && { ...candidate.state, hasCopy: false };
    slot.#turn.candidate = candidate === null ? undefined : { ...candidate, state };
    if (hold !== null) {
      slot.#hold = Hold.takenOver(slot.#slot, hold, nowMs);
      slot.#markPast(hold.round);
      slot.#slot.knowledge.learn(hold.round, slot.#hold.asAccepted, hold.leaseUntilMs);
    }
    // Nobody listened meanwhile: what was not heard says nothing about others.
    slot.#turn.stalled(nowMs);
    return slot;
  }

  /** What the next process needs; undefined while something is under way that it could not go on with. */
  handOn(nowMs: number): HandedOnSlot | undefined {
    const attempt = this.#attempt;
    // A question can be forgotten, but not one by which a holder renumbers: nothing is renewed until it is answered.
    const isAsking = attempt instanceof Preparing && this.#hold === undefined;
    const underWay = this.#handOver ?? this.#retiring ?? (isAsking ? undefined : attempt);
    if (this.#following.isWaiting(nowMs) || underWay !== undefined) return undefined;
    if (nowMs < this.#barredUntilMs) return undefined;
    const hold = this.#hold === undefined ? null : this.#hold.handOn();
    if (hold === undefined) return undefined;
    const rounds = [this.#highestUsed, this.#slot.knowledge.highestRound, attempt?.round ?? 0];
    return {
      definition: this.definition,
      highestRound: Math.max(...rounds),
      candidate: this.#turn.candidate ?? null,
      hold,
    };
  }

  get slot(): string {
    return this.#slot.id;
  }

  get definition(): SlotDefinition {
    return this.#slot.definition;
  }

  get leaseMs(): number {
    return this.#slot.leaseMs;
  }

  /** Nothing is under way that must not be forgotten. */
  get isIdle(): boolean {
    return this.#hold === undefined && this.#attempt === undefined && this.#retiring === undefined;
  }

  /** Of the rounds that this node has begun, decided or not. */
  get #highestUsed(): number {
    return Math.max(this.#highestProposed, this.#highestPrepared);
  }

  get candidate(): LeaseHolder | undefined {
    return this.#turn.candidate?.holder;
  }

  // Orders ----------------------------------------------------------------------------------------------

  /** A new definition; a holder whose value differs renumbers. */
  define(definition: SlotDefinition, nowMs: number): void {
    this.#slot.definition = definition;
    if (this.#hold?.isOutdated) this.#renumber(nowMs);
  }

  /** Whom the holder wants listed from now on, since these have its state; `isAnew`: under another epoch in any case. */
  list(epoch: number, listing: Listing, isAnew: boolean, nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined || !hold.isEpoch(epoch)) return;
    hold.list(listing);
    if (isAnew || hold.isOutdated) this.#renumber(nowMs);
  }

  offerCandidate(offered: Candidate, nowMs: number): void {
    const { candidate } = this;
    const { holder, isReady } = offered;
    if (candidate !== undefined && !sameHolder(candidate, holder)) this.dropCandidate(nowMs);
    const hasLost = lacksMore(this.#turn.candidate?.state, offered.state);
    this.#turn.candidate = offered;
    // An attempt that rests on what is gone must not succeed.
    if (hasLost && this.#hold === undefined) this.#giveUp('candidate', nowMs);
    if (!isReady && this.#hold === undefined) this.#giveUp('candidate', nowMs);
  }

  /** The function has ended: a holder lets go, an attempt is taken back. */
  dropCandidate(nowMs: number): void {
    this.#turn.candidate = undefined;
    this.release('function-exit', nowMs);
  }

  /** Other members, of the same generation: a lease goes on, and is renewed with them at once. */
  councilChanged(nowMs: number): void {
    this.#giveUp('no-majority', nowMs);
    this.#turn.councilChanged(nowMs);
    this.#hold?.renewAtOnce(nowMs);
    this.#retiring?.send();
  }

  /** What was granted stands no more: the fence closes, and nobody is told, for nobody would believe it. */
  abandon(reason: LostReason, nowMs: number): void {
    const hold = this.#hold;
    this.#hold = undefined;
    this.#attempt = undefined;
    this.#handOver = undefined;
    this.#following.drop();
    this.#retiring = undefined;
    this.#slot.knowledge.forget(nowMs);
    hold?.abandon(reason);
  }

  activate(epoch: number, nowMs: number): void {
    this.#hold?.activate(epoch, nowMs);
  }

  /** First the fence: the council hears of it only after `fenceClosed`. */
  release(reason: ReleaseReason, nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined) this.#giveUp('candidate', nowMs);
    else if (hold.closing === undefined) this.#letGo(hold, reason, nowMs);
  }

  fenceClosed(epoch: number, nowMs: number): void {
    const hold = this.#hold;
    if (hold?.closing === undefined || !hold.isEpoch(epoch) || hold.isFenceClosed) return;
    hold.fenceClosed();
    if (this.#handOver === undefined) this.#end(hold, hold.closing, nowMs);
    else this.#handOver.fenceClosed(nowMs);
  }

  handOver(to: HandOverTarget, nonce: string, nowMs: number): void {
    if (this.#handOver?.nonce === nonce && this.#hold?.closing === undefined) return;
    const hold = this.#attempt instanceof Reserving ? undefined : this.#hold;
    this.#handOver = beginHandOver(this.#slot, hold, to, nonce, nowMs) ?? this.#handOver;
  }

  // Answers of members ----------------------------------------------------------------------------------

  onPromise(from: number, message: PromiseMessage, nowMs: number): void {
    this.#slot.knowledge.learn(message.round, message.accepted, nowMs - message.endedForMs);
    const attempt = this.#attempt;
    if (!(attempt instanceof Preparing)) return;
    const verdict = attempt.promised(from, message);
    if (verdict !== undefined) this.#judged(attempt, verdict, nowMs);
  }

  onAccepted(from: number, message: Accepted, nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt instanceof Proposing && attempt.round === message.round) {
      if (attempt.accepted(from, message)) this.#granted(attempt, nowMs);
      return;
    }
    // A member that had missed the round caught up in place of a renewal.
    this.#hold?.renewed(from, message, nowMs);
  }

  onEntrusted(from: number, message: Echo): void {
    this.#hold?.heirs?.entrusted(from, message);
  }

  onRenewed(from: number, message: Echo, nowMs: number): void {
    this.#hold?.renewed(from, message, nowMs);
  }

  /** Whether a renewal with this serial is what the hold waits for. */
  awaits(serial: number): boolean {
    return this.#hold?.awaits(serial) ?? false;
  }

  onRefuse(from: number, message: Refuse, nowMs: number): void {
    this.#slot.knowledge.learn(message.promised, message.accepted, nowMs + message.timeLeftMs);
    if (this.#attempt !== undefined) {
      if (this.#attempt.refused(from, message)) this.#giveUp('refused', nowMs);
      return;
    }
    if (this.#hold?.refused(from, message)) this.#renumber(nowMs);
  }

  onReleased(from: number, message: Released): void {
    if (this.#retiring?.confirmed(from, message.serial)) this.#retiring = undefined;
  }

  /** This node's member has promised a round to somebody else, who goes on with it if the last value lists it. */
  onPromisedTo(holder: LeaseHolder, nowMs: number): void {
    const { accepted } = this.#slot.knowledge;
    if (accepted !== undefined && lists(accepted.value, holder)) this.#turn.yieldTo(nowMs);
  }

  /** Whom a slot is handed on to must not have begun the round itself: the next one that is begun here is higher. */
  onTriedInVain(round: number): void {
    const { knowledge } = this.#slot;
    if (round <= knowledge.highestRound + ROUND_JUMP_MAX)
      knowledge.highestRound = Math.max(knowledge.highestRound, round);
  }

  // Messages of other proposers -------------------------------------------------------------------------

  onRelease(from: number, message: Release, nowMs: number): void {
    const { context, knowledge } = this.#slot;
    const { node } = context;
    if (from === node) return;
    const { round, reason, successor } = message;
    const isNews = knowledge.learnRelease(from, round, reason, nowMs);
    this.#following.released(from, message);
    if (isNews && reason !== 'abandoned') this.#turn.released(successor !== null, nowMs);
  }

  /** Until when the candidate holds the slot if its holder passes it on; undefined: it will not take it over. */
  onOffer(from: number, incarnation: bigint, message: Offer, nowMs: number): number | undefined {
    if (this.#hold !== undefined || this.#attempt !== undefined) return undefined;
    return this.#following.offered(from, incarnation, message, nowMs);
  }

  onReady(from: number, incarnation: bigint, message: Ready, nowMs: number): void {
    if (this.#hold?.heirs?.answered(from, incarnation, message, nowMs)) return;
    if (!this.#handOver?.answered(from, incarnation, message)) return;
    if (this.#hold?.closing === undefined) this.#renumber(nowMs);
    else if (this.#attempt instanceof Preparing && this.#attempt.verdict !== undefined)
      this.#judged(this.#attempt, this.#attempt.verdict, nowMs);
  }

  /** The holder has let go for this node's candidate, which begins by what was reserved for it. */
  onHandOn(from: number, sender: bigint, message: HandOn, nowMs: number): void {
    this.#handedOn(message, nowMs);
    // Who has let go can wait for this.
    const { serial, round } = message;
    this.#slot.context.send(from, { type: 'released', slot: this.slot, serial, round, incarnation: sender });
  }

  #handedOn(message: HandOn, nowMs: number): void {
    const { round, value, former } = message;
    // To decline it would end what came of it, at members that have not heard of that yet.
    if (this.#slot.context.rules.isPastWord(round, this.#highestPast)) return;
    const expected = this.#following.heard(message);
    // A word that comes again is about what was taken up, or taken back. An heir that does not know of it says so at any time.
    const isOld =
      round <= this.#highestUsed && (message.answeredSerial === null || this.#attempt !== undefined);
    if (this.#hold !== undefined || (expected === undefined && isOld)) return;
    const lease = expected && this.#following.leaseOf(message, expected, nowMs);
    const granted = lease && this.#following.granted(message, lease.fromMs);
    const untilMs = lease === undefined ? 0 : heldUntilMs(this.#slot, lease.leaseMs, lease.fromMs, nowMs);
    // What this node has begun itself a release of its own may end that is on its way still.
    const isFree = this.#attempt === undefined && round > this.#highestUsed;
    if (granted === undefined || untilMs <= nowMs || !isFree) {
      // Nobody else tells it that the slot is free.
      this.#slot.knowledge.learn(former.round, former, nowMs);
      this.#decline(round, value, nowMs);
    } else this.#takeOn(granted, untilMs, message.answeredSerial === null, nowMs);
  }

  #takeOn(granted: Granted, untilMs: number, isAccepted: boolean, nowMs: number): void {
    const { round } = granted;
    this.#markPast(round);
    this.#slot.knowledge.learn(round, this.#slot.asAccepted(granted), untilMs);
    this.#highestProposed = round;
    this.#hold = new Hold(this.#slot, granted, untilMs, isAccepted);
    this.#hold.renewAtOnce(nowMs);
    this.#hold.tellGranted(nowMs);
    this.#turn.succeeded();
    if (!isAccepted) this.#hold.askToAccept(nowMs);
  }

  #markPast(round: number): void {
    this.#highestPast = Math.max(this.#highestPast, round);
  }

  /** Nobody waits for what was reserved; an attempt of this node's is ended by the same release. */
  #decline(round: number, value: LeaseValue, nowMs: number): void {
    this.#attempt = undefined;
    this.#markPast(round);
    this.#highestPrepared = Math.max(this.#highestPrepared, round);
    this.#retire({ round: this.#highestUsed, reason: 'abandoned', successor: null }, value, nowMs);
    this.#turn.failed(nowMs);
  }

  onStanding(from: number, message: Standing, nowMs: number): void {
    if (this.#hold === undefined && this.#attempt === undefined) this.#lastResort.heard(from, message, nowMs);
  }

  // Views -----------------------------------------------------------------------------------------------

  learnRegister(view: RegisterView): void {
    this.#slot.knowledge.learnRegister(view);
  }

  /** The register's lease was renewed; false if that is more than a moment put off, and the register is to be learnt. */
  learnRenewal(round: number, untilMs: number): boolean {
    return this.#observer.isToldHeld && this.#slot.knowledge.learnRenewal(round, untilMs);
  }

  /** What this node knows now, for views; undefined when that is what was told last. */
  observe(nowMs: number): Extract<LeaseOutput, { type: 'observed' }> | undefined {
    return this.#observer.observe(this.#hold, nowMs);
  }

  // Time ------------------------------------------------------------------------------------------------

  /** When `expire` is to be called; with what was told as held, when that will be free. */
  wakeMs(): number | undefined {
    if (this.#isOnlyHolding) return this.#hold?.nextDeadline(false);
    return earliest([
      this.#attempt?.nextDeadline(),
      this.#hold?.nextDeadline(this.#attempt !== undefined),
      this.#handOver?.resendAtMs,
      this.#retiring?.resendAtMs,
      this.#wakeToTryMs(),
      this.#observer.freeAtMs(this.#hold),
    ]);
  }

  /** Returns false when a renewal was all that was due: nothing of it is news. */
  expire(nowMs: number): boolean {
    if (this.#isOnlyHolding && this.#hold?.renewOnlyIfDue(nowMs)) return false;
    this.lapse(nowMs);
    if (this.#attempt?.isOver(nowMs)) this.#giveUp('no-majority', nowMs);
    else this.#attempt?.repeatIfDue(nowMs);
    if (this.#retiring?.repeatIfDue(nowMs) === false) this.#retiring = undefined;
    if (this.#handOver?.repeatIfDue(this.#hold, nowMs) === false) this.#endHandOver(nowMs);
    this.#following.dropIfOver(nowMs);
    this.#renewIfDue(nowMs);
    this.#tryIfDue(nowMs);
    return true;
  }

  /** As most slots of a holder are, most of the time. */
  get #isOnlyHolding(): boolean {
    return this.#hold !== undefined && !(this.#attempt ?? this.#handOver ?? this.#retiring);
  }

  /** Ends a hold whose lease has run out, and says so; to be called before anything else is handled. */
  lapse(nowMs: number): boolean {
    const hold = this.#hold;
    if (!hold?.hasLapsed(nowMs)) return false;
    if (!this.#turn.wasStalled(nowMs)) {
      // Its renewals may be heard, and keep the slot from everybody else, while no answer comes back.
      this.#close(hold, { reason: 'expired', reserved: undefined });
      return true;
    }
    this.#hold = undefined;
    hold.lapse();
    // Nobody begins by it now.
    if (this.#attempt instanceof Reserving) this.#giveUp('no-majority', nowMs);
    return true;
  }

  /** The loop was late. */
  stalled(nowMs: number): void {
    this.#turn.stalled(nowMs);
  }

  #renewIfDue(nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined || this.#attempt !== undefined) return;
    if (hold.isRenumberingDue(nowMs)) this.#renumber(nowMs);
    else hold.renewIfDue(nowMs);
  }

  #tryIfDue(nowMs: number): void {
    const tryAtMs = this.#nextTryMs();
    const { candidate } = this;
    if (candidate === undefined || tryAtMs === undefined || nowMs < tryAtMs) {
      this.#lastResort.drop();
      return;
    }
    if (!this.#lastResort.mayTry(nowMs)) return;
    this.#turn.begin(nowMs);
    this.#prepare(candidate, this.#turn.candidate?.state, nowMs);
  }

  #nextTryMs(): number | undefined {
    if (this.#hold !== undefined || this.#attempt !== undefined) return undefined;
    const tryAtMs = this.#turn.nextTryMs();
    return tryAtMs === undefined ? undefined : Math.max(tryAtMs, this.#barredUntilMs);
  }

  #wakeToTryMs(): number | undefined {
    const tryAtMs = this.#nextTryMs();
    return tryAtMs === undefined ? undefined : this.#lastResort.wakeMs(tryAtMs);
  }

  // A round, from its start to its end --------------------------------------------------------------------

  #prepare(holder: LeaseHolder, state: CandidateState | undefined, nowMs: number): void {
    const round = Math.max(this.#slot.knowledge.highestRound, this.#highestProposed) + 1;
    const serial = this.#slot.nextSerial();
    this.#highestPrepared = round;
    this.#attempt = new Preparing(this.#slot, { round, serial }, holder, state, nowMs);
    this.#attempt.send();
  }

  /** A holder prepares a higher round under its running lease, for itself or a successor that is ready; fence and address stay. */
  #renumber(nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined) return;
    hold.mustRenumber();
    if (this.#attempt !== undefined || !hold.mayRenumber) return;
    if (this.#slot.context.rules.isOneValueARound()) {
      // What it holds by, it has.
      this.#prepare(hold.holder, undefined, nowMs);
      return;
    }
    const { lossMark } = hold.value;
    this.#propose(
      hold.round,
      hold.holder,
      { former: hold.asAccepted, lossMark, listing: hold.listing },
      nowMs,
    );
  }

  #judged({ round, holder }: Preparing, verdict: Verdict, nowMs: number): void {
    const { candidate } = this;
    if (this.#hold?.closing !== undefined) {
      this.#judgedForSuccessor(this.#hold, round, verdict, nowMs);
    } else if (!verdict.isAllowed) {
      this.#attempt = undefined;
      this.#turn.backOffUntil(nowMs + unlistedProbeMs(this.leaseMs));
    } else if (candidate === undefined || !sameHolder(candidate, holder)) {
      this.#attempt = undefined;
    } else {
      const lossMark = verdict.lossMark || (this.#hold?.value.lossMark ?? false);
      const listing = this.#hold?.listing ?? { candidates: undefined, serial: 0 };
      const basis = { former: verdict.former, lossMark, listing };
      const successor = this.#successorAfter(basis);
      if (successor) this.#reserve(round, successor, basis, nowMs);
      else this.#propose(round, holder, basis, nowMs);
    }
  }

  #propose(round: number, holder: LeaseHolder, basis: Basis, nowMs: number): void {
    this.#highestProposed = round;
    this.#attempt = new Proposing(this.#slot, round, holder, basis, nowMs);
    this.#attempt.send();
  }

  /** A holder that lets go waits for a successor; its own round is of no use any more. */
  #judgedForSuccessor({ listing }: Hold, round: number, verdict: Verdict, nowMs: number): void {
    if (!verdict.isAllowed) {
      this.#endHandOver(nowMs);
      return;
    }
    if (this.#handOver?.ready === undefined) return;
    const basis = { former: verdict.former, lossMark: false, listing };
    const successor = this.#successorAfter(basis);
    if (successor) this.#reserve(round, successor, basis, nowMs);
    else this.#endHandOver(nowMs);
  }

  /** Who is ready to follow this holder; none where it has left the list since it was asked, which ends the hand-over. */
  #successorAfter(basis: Basis): ReadySuccessor | undefined {
    const handOver = this.#hold && this.#handOver;
    if (handOver?.ready === undefined) return undefined;
    const successor = handOver.successorAfter(basis);
    if (successor === undefined) this.#handOver = undefined;
    return successor;
  }

  #reserve(round: number, successor: ReadySuccessor, basis: Basis, nowMs: number): void {
    const endedRound = Math.max(this.#hold?.round ?? 0, this.#highestProposed);
    this.#highestProposed = round;
    this.#handOver?.decided();
    this.#attempt = new Reserving(this.#slot, { round, endedRound }, successor, basis, nowMs);
    this.#attempt.send();
  }

  #granted(attempt: Proposing, nowMs: number): void {
    const hold = this.#hold;
    this.#markPast(attempt.round);
    if (attempt instanceof Reserving) {
      this.#attempt = undefined;
      this.#handOver = undefined;
      if (hold !== undefined) this.#handOn(hold, attempt.reserved, nowMs);
      return;
    }
    const untilMs = heldUntilMs(this.#slot, attempt.value.leaseMs, attempt.firstSentMs, nowMs);
    if (untilMs <= nowMs) {
      this.#giveUp('no-majority', nowMs);
      return;
    }
    this.#attempt = undefined;
    this.#slot.knowledge.learn(attempt.round, this.#slot.asAccepted(attempt), untilMs);
    if (this.#hold !== undefined) {
      this.#hold.renumbered(attempt, untilMs);
      return;
    }
    this.#hold = new Hold(this.#slot, attempt, untilMs);
    this.#hold.tellGranted(this.#turn.detectedAtMs ?? nowMs);
    this.#turn.succeeded();
  }

  /** Ends the attempt. A proposal that may have been accepted somewhere is taken back, so that nobody waits for it. */
  #giveUp(why: 'candidate' | 'refused' | 'no-majority', nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    if (this.#hold?.closing !== undefined) {
      this.#endHandOver(nowMs);
      return;
    }
    if (this.#hold !== undefined && attempt instanceof Reserving) {
      // Members keep the slot for its successor, from its holder too: it lets go, and takes that back.
      this.#close(this.#hold, { reason: 'handover', reserved: undefined });
      return;
    }
    if (this.#hold !== undefined) {
      // A holder that was renumbering goes on trying while its lease runs.
      this.#hold.mustRenumberAt(nowMs + this.#turn.drawJitter() * rankSpreadMs(this.leaseMs));
      return;
    }
    if (attempt instanceof Reserving) {
      this.#handOver?.fail('lost');
      this.#handOver = undefined;
    }
    if (attempt instanceof Proposing) {
      const { round, value } = attempt;
      this.#retire({ round, reason: 'abandoned', successor: null }, value, nowMs);
    }
    if (why === 'refused') this.#turn.refused(attempt.timeLeftMs(), nowMs);
    else this.#turn.failed(nowMs);
  }

  // Letting go --------------------------------------------------------------------------------------------

  /** The successor's round stands: it begins as soon as the fence is closed. */
  #handOn(hold: Hold, reserved: Reserved, nowMs: number): void {
    const { context } = this.#slot;
    if (hold.closing !== undefined) {
      hold.closing.reserved = reserved;
      if (hold.isFenceClosed) this.#end(hold, hold.closing, nowMs);
      return;
    }
    if (!context.rules.handsOnBehindFence()) {
      const { to, message } = wordTo(reserved, { ...hold.asAccepted, released: 'handover' }, this.slot);
      context.send(to, message);
    }
    this.#close(hold, { reason: 'handover', reserved });
  }

  /** Lets go without an order to whom: who would try first is asked while the fence closes, and its round decided for it. */
  #letGo(hold: Hold, reason: ReleaseReason, nowMs: number): void {
    const { rules } = this.#slot.context;
    // Nobody votes for a clock that is not to be relied on.
    const mayDecide = reason !== 'clock' && rules.isOneValueARound() && hold.mayRenumber;
    // A higher round of its own that is under way would stand in the way of the heir's.
    const found = mayDecide && this.#attempt === undefined ? hold.heirNow(nowMs) : undefined;
    const heir = found && this.#highestUsed < found.round ? found : undefined;
    this.#attempt = undefined;
    this.#handOver?.fail('lost');
    if (heir !== undefined) {
      this.#handOver = undefined;
      this.#markPast(heir.round);
      this.#barredUntilMs = nowMs + rules.heirBarMs(hold.value.leaseMs, this.#slot.context.driftBound);
      hold.close({ reason, reserved: inherited(this.#slot, heir, hold.asAccepted) });
      return;
    }
    this.#handOver = mayDecide ? seekSuccessor(this.#slot, hold, nowMs) : undefined;
    if (this.#handOver !== undefined) this.#prepare(hold.holder, undefined, nowMs);
    hold.close({ reason, reserved: undefined });
  }

  /** No successor was found in time: the holder stays, or lets go for whoever comes. */
  #endHandOver(nowMs: number): void {
    const hold = this.#hold;
    this.#handOver = undefined;
    if (hold?.closing === undefined) return;
    this.#attempt = undefined;
    if (hold.isFenceClosed) this.#end(hold, hold.closing, nowMs);
  }

  /** Behind the closed fence. */
  #end(hold: Hold, { reason, reserved }: Closing, nowMs: number): void {
    const { context, knowledge } = this.#slot;
    // Rounds of its own may be under way: the release covers them, but not what is the successor's.
    const round = reserved?.endedRound ?? Math.max(hold.round, this.#highestUsed, hold.keptRound);
    // Whose lease is over has nothing to go on with, whatever the rule.
    if (context.rules.endsWithRelease() || reason === 'expired') this.#hold = undefined;
    else hold.reopen();
    // Others go first; whoever follows on this node starts afresh.
    this.#turn.backOffUntil(nowMs + renewalMs(this.leaseMs));
    const successor = reserved ? { proposer: reserved.proposer, round: reserved.round } : null;
    knowledge.learnRelease(context.node, round, reason, nowMs);
    const word = reserved && wordTo(reserved, { ...hold.asAccepted, released: reason }, this.slot);
    this.#retire({ round, reason, successor }, hold.value, nowMs, word);
    // What others wait for has gone out.
    hold.lost(reason);
  }

  #close(hold: Hold, closing: Closing): void {
    this.#attempt = undefined;
    hold.close(closing);
    this.#handOver?.fail('lost');
    this.#handOver = undefined;
  }

  #retire(
    release: Pick<Release, 'round' | 'reason' | 'successor'>,
    { candidates }: LeaseValue,
    nowMs: number,
    word?: Word,
  ): void {
    const { knowledge } = this.#slot;
    knowledge.highestRound = Math.max(knowledge.highestRound, release.round);
    this.#retiring = new Retiring(this.#slot, release, candidates, word, nowMs);
    this.#retiring.send();
  }
}
