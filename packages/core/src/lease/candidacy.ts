// SPDX-License-Identifier: Apache-2.0
import type {
  Accepted,
  AcceptedValue,
  LeaseHolder,
  LeaseMessage,
  LeaseValue,
  Offer,
  PromiseMessage,
  Ready,
  Refuse,
  Release,
  Released,
  ReleaseReason,
  Renewed,
  Successor,
} from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { epochOf } from '../identity.ts';
import { type Attempt, judge, type Proposing, timeLeftMs } from './attempt.ts';
import { type SlotContext, sendToAll } from './context.ts';
import type { Candidate, Expected, HandOver, Hold, Retiring } from './hold.ts';
import { Knowledge } from './knowledge.ts';
import type { RegisterView } from './member.ts';
import { causeOf, rankNow } from './succession.ts';
import { Tally } from './tally.ts';
import {
  attemptMs,
  birthDelayMs,
  RETRY_MARGIN_MS,
  rankDelayMs,
  releaseRepeatMs,
  renewalMs,
  retransmitMs,
  unlistedProbeMs,
} from './timing.ts';
import type { LeaseOutput, LostReason } from './types.ts';
import { isOutdated, lists, proposedValue, sameHolder } from './value.ts';

/**
 * One slot's proposer on one node: tries for the slot, holds it, renews it, lets it go. It sees its own node's
 * member like any other, through `context.send`.
 */
export class Candidacy {
  readonly slot: string;
  readonly knowledge: Knowledge;
  readonly #context: SlotContext;
  #definition: SlotDefinition;
  #candidate: Candidate | undefined;
  #attempt: Attempt | undefined;
  #hold: Hold | undefined;
  #handOver: HandOver | undefined;
  #retiring: Retiring | undefined;
  #expected: Expected | undefined;
  #serial = 0;
  #highestProposed = 0;
  #notBeforeMs = 0;
  #jitter: number;
  #detectedAtMs: number | undefined;
  #observedHeld = false;

  constructor(context: SlotContext, definition: SlotDefinition, nowMs: number) {
    this.knowledge = new Knowledge(nowMs);
    this.#context = context;
    this.#definition = definition;
    this.slot = definition.id;
    this.#jitter = context.random.fraction();
  }

  get leaseMs(): number {
    return this.#definition.leaseMs;
  }

  /** Who this node's hold names, while it lasts. */
  get holding():
    | { readonly holder: LeaseHolder; readonly epoch: number; readonly value: LeaseValue }
    | undefined {
    const hold = this.#hold;
    return hold && { holder: hold.holder, epoch: this.#epoch(hold.round), value: hold.value };
  }

  /** Nothing is under way that must not be forgotten. */
  get isIdle(): boolean {
    return this.#hold === undefined && this.#attempt === undefined && this.#retiring === undefined;
  }

  /** A new definition; a holder whose value differs renumbers. */
  define(definition: SlotDefinition, nowMs: number): void {
    this.#definition = definition;
    if (this.#hold !== undefined && isOutdated(this.#hold.value, definition)) this.#renumber(nowMs);
  }

  offerCandidate(holder: LeaseHolder, isReady: boolean, rank: number, nowMs: number): void {
    const isOther = this.#candidate !== undefined && !sameHolder(this.#candidate.holder, holder);
    if (isOther) this.dropCandidate(nowMs);
    this.#candidate = { holder, isReady, rank };
    if (!isReady && this.#hold === undefined) this.#giveUp(nowMs, 'candidate');
  }

  /** The function has ended: a holder lets go, an attempt is taken back. */
  dropCandidate(nowMs: number): void {
    this.#candidate = undefined;
    this.#expected = undefined;
    if (this.#hold !== undefined) this.release('function-exit', nowMs);
    else this.#giveUp(nowMs, 'candidate');
  }

  get candidate(): LeaseHolder | undefined {
    return this.#candidate?.holder;
  }

  activate(epoch: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined || !this.#isEpochOf(hold, epoch)) return;
    hold.isActivated = true;
    this.#extendFence(hold);
  }

  /** First the fence: the council hears of it only after `fenceClosed`. */
  release(reason: ReleaseReason, nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined) {
      this.#giveUp(nowMs, 'candidate');
      return;
    }
    if (hold.closing === undefined) this.#close(hold, { reason, order: undefined, ready: undefined });
  }

  fenceClosed(epoch: number, nowMs: number): void {
    const hold = this.#hold;
    if (hold?.closing === undefined || !this.#isEpochOf(hold, epoch)) return;
    const { reason, ready } = hold.closing;
    // A renumbering proposal may be under way: the release covers it.
    const round = Math.max(hold.round, this.#highestProposed);
    if (this.#context.rules.endsWithRelease()) this.#hold = undefined;
    else hold.closing = undefined;
    // Others go first; whoever follows on this node starts afresh.
    this.#backOffUntil(nowMs + renewalMs(this.leaseMs));
    const successor = ready ? { ...ready, round: Math.max(round, this.knowledge.highestRound) + 1 } : null;
    this.knowledge.learnRelease(this.#context.node, round, reason, nowMs);
    this.#sendRelease(round, reason, successor, hold.value, nowMs);
    this.#lost(hold, reason);
  }

  handOver(to: HandOver['to'], nonce: string, nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined) {
      this.#handOverFailed(nonce, 'not-holding');
      return;
    }
    if (!/^[0-9a-f]{1,16}$/.test(nonce)) {
      this.#handOverFailed(nonce, 'invalid-nonce');
      return;
    }
    if (this.#handOver?.nonce === nonce) return;
    const isListed = hold.value.candidates.some(
      ({ node, functionId }) => node === to.node && functionId === to.functionId,
    );
    if (!isListed || to.node === this.#context.node) {
      this.#handOverFailed(nonce, 'unknown-candidate');
      return;
    }
    this.#handOver = {
      to,
      nonce,
      serial: this.#nextSerial(),
      untilMs: nowMs + 2 * releaseRepeatMs(this.leaseMs),
      resendAtMs: nowMs + retransmitMs(this.leaseMs),
    };
    this.#sendOffer(hold, this.#handOver);
  }

  // Answers ---------------------------------------------------------------------------------------------

  onPromise(from: number, message: PromiseMessage, nowMs: number): void {
    if (this.#attempt === undefined && this.#expected?.serial === message.serial) {
      this.#adopt(message.serial, message.round, nowMs);
    }
    this.knowledge.learn(message.round, message.accepted, nowMs - message.endedForMs);
    const attempt = this.#attempt;
    const { rules } = this.#context;
    if (attempt?.phase !== 'preparing' || attempt.round !== message.round) return;
    if (!rules.isSameRequest(attempt.serial, message.serial)) return;
    attempt.tally.add(from);
    attempt.promises.set(from, message);
    if (attempt.tally.count < this.#council().majority) return;
    const verdict = judge(attempt.promises.values(), attempt.holder);
    if (!verdict.isAllowed) {
      this.#attempt = undefined;
      this.#backOffUntil(nowMs + unlistedProbeMs(this.leaseMs));
      return;
    }
    if (this.#candidate === undefined || !sameHolder(this.#candidate.holder, attempt.holder)) {
      this.#attempt = undefined;
      return;
    }
    const lossMark = verdict.lossMark || (this.#hold?.value.lossMark ?? false);
    this.#propose(attempt.round, attempt.holder, verdict.former, lossMark, nowMs);
  }

  onAccepted(from: number, message: Accepted, nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt?.phase === 'proposing' && attempt.round === message.round) {
      if (!this.#context.rules.isSameRequest(attempt.serial, message.serial)) return;
      attempt.tally.add(from);
      if (this.#context.rules.isGranted(attempt.tally.count, this.#council().majority)) {
        this.#granted(attempt, nowMs);
      }
      return;
    }
    // A member that had missed the round caught up in place of a renewal.
    this.#renewed(from, message.serial, message.round, nowMs);
  }

  onRenewed(from: number, message: Renewed, nowMs: number): void {
    this.#renewed(from, message.serial, message.round, nowMs);
  }

  onRefuse(from: number, message: Refuse, nowMs: number): void {
    this.knowledge.learn(message.promised, message.accepted, nowMs + message.timeLeftMs);
    const { rules } = this.#context;
    const attempt = this.#attempt;
    if (attempt !== undefined) {
      if (attempt.round !== message.round || !rules.isSameRequest(attempt.serial, message.serial)) return;
      if (attempt.tally.has(from)) return;
      attempt.refusals.set(from, message);
      const { members, majority } = this.#council();
      if (members.length - attempt.refusals.size < majority) this.#giveUp(nowMs, 'refused');
      return;
    }
    const hold = this.#hold;
    const renewal = hold?.renewal;
    if (hold === undefined || hold.closing !== undefined || renewal === undefined) return;
    if (hold.round !== message.round || !rules.isSameRequest(renewal.serial, message.serial)) return;
    if (message.reason === 'promised') {
      this.#renumber(nowMs);
    } else if (message.reason === 'not-accepted') {
      // It missed the round; its lease then counts from this message, later than the renewal's first sending.
      const { slot } = this;
      const { round, value } = hold;
      this.#context.send(from, { type: 'accept', slot, serial: renewal.serial, round, value });
    }
  }

  onReleased(from: number, message: Released): void {
    const retiring = this.#retiring;
    if (retiring?.message.serial !== message.serial) return;
    retiring.confirmed.add(from);
    if (this.#council().members.every((member) => retiring.confirmed.has(member))) this.#retiring = undefined;
  }

  // Other nodes' requests to the candidate -------------------------------------------------------------

  onRelease(from: number, message: Release, nowMs: number): void {
    if (from === this.#context.node) return;
    const isNews = this.knowledge.learnRelease(from, message.round, message.reason, nowMs);
    const { successor } = message;
    const { node, incarnation } = this.#context;
    if (successor?.proposer.node === node && successor.proposer.incarnation === incarnation) {
      if (this.#expected?.serial === successor.serial) this.#adopt(successor.serial, successor.round, nowMs);
      return;
    }
    if (!isNews || message.reason === 'abandoned') return;
    if (successor === null) {
      this.#detectedAtMs = undefined;
      this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs);
    } else {
      // The successor has its promises on the way.
      this.#backOffUntil(nowMs + rankDelayMs(this.leaseMs, (this.#candidate?.rank ?? 0) + 2));
    }
  }

  /** Whether the candidate will take the slot over when its holder releases it. */
  onOffer(from: number, incarnation: bigint, message: Offer, nowMs: number): boolean {
    const candidate = this.#candidate;
    if (candidate?.isReady !== true || candidate.holder.functionId !== message.functionId) return false;
    if (this.#hold !== undefined || this.#attempt !== undefined) return false;
    if (this.#expected?.nonce !== message.nonce || this.#expected.from !== from) {
      this.#expected = {
        serial: this.#nextSerial(),
        nonce: message.nonce,
        from,
        untilMs: nowMs + 4 * releaseRepeatMs(this.leaseMs),
      };
    }
    this.#context.send(from, {
      type: 'ready',
      slot: this.slot,
      serial: message.serial,
      round: message.round,
      incarnation,
      nonce: message.nonce,
      functionId: candidate.holder.functionId,
      functionIncarnation: candidate.holder.functionIncarnation,
      promiseSerial: this.#expected.serial,
    });
    return true;
  }

  onReady(from: number, incarnation: bigint, message: Ready): void {
    const order = this.#handOver;
    const hold = this.#hold;
    if (order === undefined || hold === undefined || hold.closing !== undefined) return;
    if (order.serial !== message.serial || nonceOnWire(order.nonce) !== message.nonce) return;
    if (order.to.node !== from || order.to.functionId !== message.functionId) return;
    this.#handOver = undefined;
    this.#close(hold, {
      reason: 'handover',
      order,
      ready: {
        proposer: { node: from, incarnation },
        functionId: message.functionId,
        functionIncarnation: message.functionIncarnation,
        serial: message.promiseSerial,
      },
    });
  }

  // Time ------------------------------------------------------------------------------------------------

  learnRegister(view: RegisterView): void {
    this.knowledge.learnRegister(view);
  }

  /** What this node knows now, for views. */
  observe(nowMs: number): Extract<LeaseOutput, { type: 'observed' }> {
    const { accepted, freeAtMs } = this.knowledge;
    const hold = this.#hold;
    const value = hold?.value ?? accepted?.value;
    const round = hold?.round ?? accepted?.round ?? 0;
    const isHeld =
      hold !== undefined || (accepted !== undefined && accepted.released === null && freeAtMs > nowMs);
    this.#observedHeld = isHeld;
    return {
      type: 'observed',
      slot: this.slot,
      state: isHeld ? 'held' : 'free',
      holder: value === undefined || value.holder.node === 0 ? null : value.holder,
      epoch: this.#epoch(round),
      candidates: value?.candidates ?? [],
    };
  }

  /** When what was told as held will be told as free. */
  get observedUntilMs(): number | undefined {
    return this.#observedHeld && this.#hold === undefined ? this.knowledge.freeAtMs : undefined;
  }

  /** The loop was late: accuse nobody; the last holder goes first, the others wait one renewal. */
  stalled(nowMs: number): void {
    const last = this.knowledge.accepted?.value.holder;
    const isLast =
      this.#candidate !== undefined && last !== undefined && sameHolder(last, this.#candidate.holder);
    if (!isLast) this.#backOffUntil(Math.max(this.#notBeforeMs, nowMs + renewalMs(this.leaseMs)));
  }

  nextDeadline(): number | undefined {
    const hold = this.#hold;
    const attempt = this.#attempt;
    const due: (number | undefined)[] = [this.#retiring?.resendAtMs, this.#handOver?.resendAtMs];
    if (hold !== undefined && hold.closing === undefined) {
      due.push(hold.leaseUntilMs);
      if (attempt === undefined) due.push(hold.renewAtMs, hold.renewal?.resendAtMs);
    }
    if (attempt !== undefined) due.push(attempt.resendAtMs, this.#attemptUntilMs(attempt));
    due.push(this.#tryAtMs());
    const known = due.filter((at) => at !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  expire(nowMs: number): void {
    this.lapse(nowMs);
    this.#expireAttempt(nowMs);
    this.#repeatRelease(nowMs);
    this.#repeatOffer(nowMs);
    if (this.#expected !== undefined && nowMs >= this.#expected.untilMs) this.#expected = undefined;
    this.#renewIfDue(nowMs);
    const tryAtMs = this.#tryAtMs();
    if (tryAtMs !== undefined && nowMs >= tryAtMs) this.#try(nowMs);
  }

  /** Ends a hold whose lease has run out; to be called before anything else is handled. */
  lapse(nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined || nowMs < hold.leaseUntilMs) return;
    // The kernel has closed the fence by itself; this says it once more and tells the agent.
    this.#hold = undefined;
    const { slot } = this;
    this.#context.emit({ type: 'fence-close', slot, epoch: this.#epoch(hold.round), reason: 'expired' });
    this.#lost(hold, 'expired');
  }

  #expireAttempt(nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    if (nowMs >= this.#attemptUntilMs(attempt)) {
      this.#giveUp(nowMs, 'no-majority');
    } else if (nowMs >= attempt.resendAtMs) {
      attempt.resendAtMs = nowMs + retransmitMs(this.leaseMs);
      this.#sendAttempt(attempt);
    }
  }

  #repeatRelease(nowMs: number): void {
    const retiring = this.#retiring;
    if (retiring === undefined || nowMs < retiring.resendAtMs) return;
    if (nowMs >= retiring.untilMs) {
      this.#retiring = undefined;
      return;
    }
    retiring.resendAtMs = nowMs + retransmitMs(this.leaseMs);
    sendToAll(
      this.#context,
      retiring.audience.filter((node) => !retiring.confirmed.has(node)),
      retiring.message,
    );
  }

  #repeatOffer(nowMs: number): void {
    const order = this.#handOver;
    if (order === undefined || nowMs < order.resendAtMs) return;
    if (this.#hold === undefined || nowMs >= order.untilMs) {
      this.#handOver = undefined;
      this.#handOverFailed(order.nonce, this.#hold === undefined ? 'lost' : 'no-answer');
      return;
    }
    order.resendAtMs = nowMs + retransmitMs(this.leaseMs);
    this.#sendOffer(this.#hold, order);
  }

  #renewIfDue(nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined || this.#attempt !== undefined) return;
    if (nowMs >= hold.renewAtMs) {
      if (hold.mustRenumber) {
        this.#renumber(nowMs);
        return;
      }
      hold.renewAtMs = nowMs + renewalMs(hold.value.leaseMs);
      hold.renewal = {
        serial: this.#nextSerial(),
        firstSentMs: nowMs,
        tally: new Tally(this.#context.rules),
        resendAtMs: nowMs + retransmitMs(this.leaseMs),
      };
      this.#sendRenewal(hold, hold.renewal);
    } else if (hold.renewal !== undefined && nowMs >= hold.renewal.resendAtMs) {
      hold.renewal.resendAtMs = nowMs + retransmitMs(this.leaseMs);
      this.#sendRenewal(hold, hold.renewal);
    }
  }

  // Trying ----------------------------------------------------------------------------------------------

  /** When this node's candidate tries next: after the lease it knows of, by rank. */
  #tryAtMs(): number | undefined {
    const candidate = this.#candidate;
    if (candidate?.isReady !== true) return undefined;
    if (this.#hold !== undefined || this.#attempt !== undefined) return undefined;
    const { accepted, freeAtMs } = this.knowledge;
    const rank = rankNow(candidate.holder, candidate.rank, accepted?.value);
    let delayMs = rankDelayMs(this.leaseMs, rank);
    if (accepted?.round === 0) {
      const { node, functionId } = candidate.holder;
      const position = accepted.value.candidates.findIndex(
        (listed) => listed.node === node && listed.functionId === functionId,
      );
      delayMs = birthDelayMs(Math.max(0, position));
    }
    if (rank > 0) delayMs += (this.#jitter * this.leaseMs) / 40;
    if (accepted !== undefined && !lists(accepted.value, candidate.holder)) {
      const { lastResort } = accepted.value;
      delayMs += lastResort.rule === 'after' ? lastResort.afterMs : unlistedProbeMs(this.leaseMs);
    }
    return Math.max(freeAtMs + delayMs, this.#notBeforeMs);
  }

  #try(nowMs: number): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    const { freeAtMs } = this.knowledge;
    // Not what an earlier try saw: the holder may have renewed since.
    this.#detectedAtMs = Math.min(freeAtMs, nowMs);
    this.#prepare(candidate.holder, nowMs);
  }

  #prepare(holder: LeaseHolder, nowMs: number): void {
    const round = Math.max(this.knowledge.highestRound, this.#highestProposed) + 1;
    this.#attempt = this.#preparing(this.#nextSerial(), round, holder, nowMs);
    this.#sendAttempt(this.#attempt);
  }

  #preparing(serial: number, round: number, holder: LeaseHolder, nowMs: number): Attempt {
    return {
      phase: 'preparing',
      round,
      serial,
      holder,
      firstSentMs: nowMs,
      tally: new Tally(this.#context.rules),
      promises: new Map(),
      refusals: new Map(),
      resendAtMs: nowMs + retransmitMs(this.leaseMs),
    };
  }

  /** Takes up the round that a releasing holder had prepared on this node's behalf. */
  #adopt(serial: number, round: number, nowMs: number): void {
    const candidate = this.#candidate;
    this.#expected = undefined;
    if (candidate?.isReady !== true || this.#hold !== undefined || this.#attempt !== undefined) return;
    if (round <= this.#highestProposed) return;
    this.#detectedAtMs = nowMs;
    this.#attempt = this.#preparing(serial, round, candidate.holder, nowMs);
  }

  #propose(
    round: number,
    holder: LeaseHolder,
    former: AcceptedValue,
    lossMark: boolean,
    nowMs: number,
  ): void {
    const { random, rules } = this.#context;
    this.#highestProposed = round;
    const attempt: Proposing = {
      phase: 'proposing',
      round,
      serial: this.#nextSerial(),
      holder,
      former,
      value: proposedValue(this.#definition, holder, lossMark, random.u64()),
      firstSentMs: nowMs,
      tally: new Tally(rules),
      refusals: new Map(),
      resendAtMs: nowMs + retransmitMs(this.leaseMs),
    };
    this.#attempt = attempt;
    this.#sendAttempt(attempt);
  }

  #granted(attempt: Proposing, nowMs: number): void {
    const { rules, driftBound } = this.#context;
    const { value, round, holder } = attempt;
    const leaseUntilMs =
      rules.leaseStartMs(attempt.firstSentMs, nowMs) + rules.leaseAtHolderMs(value.leaseMs, driftBound);
    if (leaseUntilMs <= nowMs) {
      this.#giveUp(nowMs, 'no-majority');
      return;
    }
    this.#attempt = undefined;
    const epoch = this.#epoch(round);
    const former = this.#hold;
    this.knowledge.learn(round, acceptedBy(this.#context, round, value), leaseUntilMs);
    if (former !== undefined) {
      const formerEpoch = this.#epoch(former.round);
      former.round = round;
      former.value = value;
      former.leaseUntilMs = Math.max(former.leaseUntilMs, leaseUntilMs);
      former.renewal = undefined;
      former.renewAtMs = attempt.firstSentMs + renewalMs(value.leaseMs);
      former.mustRenumber = isOutdated(value, this.#definition);
      const { slot } = this;
      this.#context.emit({ type: 'renumbered', slot, epoch, formerEpoch, candidates: value.candidates });
      this.#extendFence(former);
      return;
    }
    this.#hold = {
      grantEpoch: epoch,
      holder,
      round,
      value,
      leaseUntilMs,
      isActivated: false,
      mustRenumber: isOutdated(value, this.#definition),
      renewal: undefined,
      renewAtMs: attempt.firstSentMs + renewalMs(value.leaseMs),
      closing: undefined,
    };
    this.#context.emit({
      type: 'granted',
      slot: this.slot,
      epoch,
      functionId: holder.functionId,
      functionIncarnation: holder.functionIncarnation,
      ...causeOf(attempt.former),
      previous: attempt.former.value.holder.node === 0 ? null : attempt.former.value.holder,
      candidates: value.candidates,
      lossMark: value.lossMark,
      detectedAtMs: this.#detectedAtMs ?? nowMs,
      leaseUntilMs,
    });
    this.#detectedAtMs = undefined;
  }

  /** Ends the attempt. A proposal that may have been accepted somewhere is taken back, so that nobody waits for it. */
  #giveUp(nowMs: number, why: 'candidate' | 'refused' | 'no-majority'): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    const hold = this.#hold;
    if (hold !== undefined) {
      // A holder that was renumbering goes on trying while its lease runs.
      hold.mustRenumber = true;
      this.#jitter = this.#context.random.fraction();
      hold.renewAtMs = nowMs + (this.#jitter * this.leaseMs) / 40;
      return;
    }
    if (attempt.phase === 'proposing') {
      this.#sendRelease(attempt.round, 'abandoned', null, attempt.value, nowMs);
    }
    const { candidate } = this;
    const rank = candidate
      ? rankNow(candidate, this.#candidate?.rank ?? 0, this.knowledge.accepted?.value)
      : 0;
    const waitMs = why === 'refused' ? timeLeftMs(attempt, this.#council().majority) : 0;
    this.#jitter = this.#context.random.fraction();
    this.#backOffUntil(
      waitMs !== undefined && waitMs > 0
        ? nowMs + waitMs + RETRY_MARGIN_MS + rankDelayMs(this.leaseMs, rank)
        : nowMs + rankDelayMs(this.leaseMs, rank) + (this.#jitter * this.leaseMs) / 20,
    );
  }

  // Holding ---------------------------------------------------------------------------------------------

  /** Prepares a higher round for itself under its running lease; fence and address stay. */
  #renumber(nowMs: number): void {
    const hold = this.#hold;
    if (hold === undefined || hold.closing !== undefined) return;
    hold.mustRenumber = true;
    if (this.#attempt !== undefined) return;
    hold.renewal = undefined;
    if (!this.#context.rules.isOneValueARound()) {
      const former = acceptedBy(this.#context, hold.round, hold.value);
      this.#propose(hold.round, hold.holder, former, hold.value.lossMark, nowMs);
      return;
    }
    this.#prepare(hold.holder, nowMs);
  }

  #renewed(from: number, serial: number, round: number, nowMs: number): void {
    const { rules, driftBound } = this.#context;
    const hold = this.#hold;
    const renewal = hold?.renewal;
    if (hold === undefined || hold.closing !== undefined || renewal === undefined) return;
    if (hold.round !== round || !rules.isSameRequest(renewal.serial, serial)) return;
    renewal.tally.add(from);
    if (renewal.tally.count < this.#council().majority) return;
    const untilMs =
      rules.leaseStartMs(renewal.firstSentMs, nowMs) + rules.leaseAtHolderMs(hold.value.leaseMs, driftBound);
    if (untilMs > hold.leaseUntilMs) {
      hold.leaseUntilMs = untilMs;
      this.#extendFence(hold);
    }
    // Those that have not answered are asked again by the next renewal.
    renewal.resendAtMs = Number.POSITIVE_INFINITY;
  }

  #extendFence(hold: Hold): void {
    if (!hold.isActivated || hold.closing !== undefined) return;
    const { slot } = this;
    this.#context.emit({
      type: 'fence-until',
      slot,
      epoch: this.#epoch(hold.round),
      untilMs: hold.leaseUntilMs,
    });
  }

  #close(hold: Hold, closing: NonNullable<Hold['closing']>): void {
    hold.closing = closing;
    this.#attempt = undefined;
    hold.renewal = this.#context.rules.endsWithRelease() ? undefined : hold.renewal;
    const { slot } = this;
    const epoch = this.#epoch(hold.round);
    this.#context.emit({ type: 'fence-close', slot, epoch, reason: closing.reason });
    if (this.#handOver !== undefined) {
      this.#handOverFailed(this.#handOver.nonce, 'lost');
      this.#handOver = undefined;
    }
  }

  #lost(hold: Hold, reason: LostReason): void {
    this.#context.emit({ type: 'lost', slot: this.slot, epoch: this.#epoch(hold.round), reason });
  }

  // Sending ---------------------------------------------------------------------------------------------

  /** To every member that has not answered yet; a repetition keeps serial and first send time. */
  #sendAttempt(attempt: Attempt): void {
    const { slot } = this;
    const { serial, round, holder } = attempt;
    const message: LeaseMessage =
      attempt.phase === 'preparing'
        ? {
            type: 'prepare',
            slot,
            serial,
            round,
            functionId: holder.functionId,
            functionIncarnation: holder.functionIncarnation,
          }
        : { type: 'accept', slot, serial, round, value: attempt.value };
    sendToAll(this.#context, this.#unanswered(attempt.tally), message);
  }

  #sendRenewal(hold: Hold, renewal: NonNullable<Hold['renewal']>): void {
    const { slot } = this;
    const { serial } = renewal;
    const message: LeaseMessage = { type: 'renew', slot, serial, round: hold.round };
    sendToAll(this.#context, this.#unanswered(renewal.tally), message);
  }

  #sendOffer(hold: Hold, { to, serial, nonce }: HandOver): void {
    const { slot } = this;
    const { functionId } = to;
    this.#context.send(to.node, {
      type: 'offer',
      slot,
      serial,
      round: hold.round,
      functionId,
      nonce: nonceOnWire(nonce),
    });
  }

  /** To members and candidates alike: a candidate that is no member would else learn of it late. */
  #sendRelease(
    round: number,
    reason: ReleaseReason,
    successor: Successor | null,
    value: LeaseValue,
    nowMs: number,
  ): void {
    const { slot } = this;
    const message: Release = { type: 'release', slot, serial: this.#nextSerial(), round, reason, successor };
    const { members } = this.#council();
    const hosts = value.candidates.map(({ node }) => node).filter((node) => node !== this.#context.node);
    const audience = [...new Set([...members, ...hosts])];
    this.knowledge.highestRound = Math.max(this.knowledge.highestRound, round);
    this.#retiring = {
      message,
      audience: reason === 'abandoned' ? [...members] : audience,
      confirmed: new Set(),
      untilMs: nowMs + releaseRepeatMs(this.leaseMs),
      resendAtMs: nowMs + retransmitMs(this.leaseMs),
    };
    sendToAll(this.#context, this.#retiring.audience, message);
  }

  #handOverFailed(nonce: string, reason: Extract<LeaseOutput, { type: 'hand-over-failed' }>['reason']): void {
    this.#context.emit({ type: 'hand-over-failed', slot: this.slot, nonce, reason });
  }

  #unanswered(tally: Tally): number[] {
    return this.#council().members.filter((member) => !tally.has(member));
  }

  #attemptUntilMs(attempt: Attempt): number {
    return attempt.firstSentMs + attemptMs(this.leaseMs);
  }

  #backOffUntil(atMs: number): void {
    this.#notBeforeMs = atMs;
  }

  #nextSerial(): number {
    this.#serial = this.#serial === 0xffffffff ? 1 : this.#serial + 1;
    return this.#serial;
  }

  #council(): ReturnType<SlotContext['council']> {
    return this.#context.council();
  }

  #epoch(round: number): number {
    return epochOf(this.#council().generation, round);
  }

  #isEpochOf(hold: Hold, epoch: number): boolean {
    return epoch >= hold.grantEpoch && epoch <= this.#epoch(hold.round);
  }
}

function nonceOnWire(nonce: string): string {
  return nonce.padStart(16, '0');
}

function acceptedBy(context: SlotContext, round: number, value: LeaseValue): AcceptedValue {
  const { node, incarnation } = context;
  return { round, proposer: { node, incarnation }, value, released: null };
}
