// SPDX-License-Identifier: Apache-2.0
import type { LeaseCandidate, LeaseHolder, LeaseMessage, Proposer, Ready, Refuse } from '@vnfpool/wire/lease';
import { Attempt, type Echo } from './attempt.ts';
import type { ReadySuccessor } from './hand-over.ts';
import { sameProposer } from './rules.ts';
import type { Slot } from './slot.ts';
import { firstHeirAskMs, heirAskMs, retransmitMs } from './timing.ts';

/*
 * At a holder that stays: whom it could let go for at any time. That one has said that it is ready, and a majority keeps the next round
 * for it, so that nothing is left to decide when the holder's function ends.
 */

/** Most times that an answer is asked for in a row. */
const ASKS_MAX = 3;

/** Members are asked to keep a round for the heir. */
class Entrusting extends Attempt {
  readonly #heldRound: number;
  readonly #heir: Proposer;

  constructor(
    slot: Slot,
    round: number,
    heldRound: number,
    { proposer, holder }: ReadySuccessor,
    nowMs: number,
  ) {
    super(slot, round, slot.nextSerial(), holder, nowMs);
    this.#heldRound = heldRound;
    this.#heir = proposer;
  }

  isFor({ proposer }: ReadySuccessor): boolean {
    return sameProposer(this.#heir, proposer);
  }

  /** Counts one that keeps it; true once a majority does. */
  entrusted(from: number, message: Echo): boolean {
    if (!this.isAnsweredBy(message)) return false;
    this.tally.add(from);
    return this.tally.count >= this.slot.council.majority;
  }

  protected override request(): LeaseMessage {
    const { round, serial } = this;
    return {
      type: 'entrust',
      slot: this.slot.id,
      serial,
      round,
      heldRound: this.#heldRound,
      heir: this.#heir,
    };
  }
}

/** Who follows without a decision, and by which round. */
export interface Heir extends ReadySuccessor {
  readonly round: number;
}

/** The search for an heir by one round of a holder, and what it has come to. */
export class Heirs {
  readonly #slot: Slot;
  readonly #heldRound: number;
  readonly #targets: readonly LeaseCandidate[];
  readonly #nonce: string;
  #serial = 0;
  #asks = 0;
  #askAtMs: number;
  #waitMs: number;
  /** Who has answered the question that is asked now, or the last one. */
  #ready: ReadySuccessor | undefined;
  #entrusting: Entrusting | undefined;
  #heir: Heir | undefined;
  #keptRound = 0;

  constructor(slot: Slot, heldRound: number, listed: readonly LeaseCandidate[], nowMs: number) {
    const { context, council } = slot;
    this.#slot = slot;
    this.#heldRound = heldRound;
    // Only whose answers as a member the holder has can count a lease from one.
    this.#targets = listed.filter(({ node }) => node !== context.node && council.members.includes(node));
    this.#nonce = context.random.u64().toString(16).padStart(16, '0');
    this.#waitMs = slot.leaseMs;
    // First the new holder settles.
    const afterMs = firstHeirAskMs(slot.leaseMs, context.slots(), context.random.fraction());
    this.#askAtMs = this.#targets.length === 0 ? Number.POSITIVE_INFINITY : nowMs + afterMs;
  }

  /** Undefined: nobody, as yet. */
  get heir(): Heir | undefined {
    return this.#heir;
  }

  /** The highest that members were asked to keep, or 0. */
  get keptRound(): number {
    return this.#keptRound;
  }

  nextDeadline(): number {
    return Math.min(this.#askAtMs, this.#entrusting?.nextDeadline() ?? Number.POSITIVE_INFINITY);
  }

  expire(nowMs: number): void {
    if (this.#entrusting?.isOver(nowMs)) this.#entrusting = undefined;
    else this.#entrusting?.repeatIfDue(nowMs);
    if (nowMs < this.#askAtMs) return;
    if (this.#asks === ASKS_MAX) this.#rest(undefined, nowMs);
    else this.#ask(nowMs);
  }

  #ask(nowMs: number): void {
    const { id: slot, context, leaseMs } = this.#slot;
    if (this.#asks === 0) this.#serial = this.#slot.nextSerial();
    this.#asks += 1;
    this.#askAtMs = nowMs + retransmitMs(leaseMs);
    const question = { type: 'offer', slot, serial: this.#serial, round: this.#heldRound } as const;
    for (const { node, functionId } of this.#targets)
      context.send(node, { ...question, functionId, nonce: this.#nonce, purpose: 'heir' });
  }

  /** Nobody is asked for a while: for the longer the more often it was in vain. */
  #rest(ready: ReadySuccessor | undefined, nowMs: number): void {
    const longestMs = heirAskMs(this.#slot.leaseMs);
    this.#waitMs = ready === undefined ? Math.min(2 * this.#waitMs, longestMs) : longestMs;
    this.#asks = 0;
    // Slots that were taken at once are not asked for at once for ever.
    this.#askAtMs = nowMs + this.#waitMs * (0.75 + 0.5 * this.#slot.context.random.fraction());
    if (ready === undefined) this.#heir = undefined;
  }

  /** Notes the answer of one that would follow; true if it is one to this. */
  answered(from: number, incarnation: bigint, message: Ready, nowMs: number): boolean {
    if (message.nonce !== this.#nonce) return false;
    if (message.serial !== this.#serial || this.#asks === 0) return true;
    const { functionId, functionIncarnation, handOnSerial } = message;
    if (!this.#targets.some((target) => target.node === from && target.functionId === functionId))
      return true;
    const holder: LeaseHolder = { node: from, functionId, functionIncarnation };
    this.#ready = { proposer: { node: from, incarnation }, holder, handOnSerial };
    this.#rest(this.#ready, nowMs);
    this.#choose(this.#ready, nowMs);
    return true;
  }

  #choose(ready: ReadySuccessor, nowMs: number): void {
    // The round is its agent's: another start of its function changes nothing at members.
    if (this.#entrusting?.isFor(ready)) return;
    if (this.#heir !== undefined && sameProposer(this.#heir.proposer, ready.proposer)) {
      this.#heir = { ...ready, round: this.#heir.round };
      return;
    }
    const { knowledge } = this.#slot;
    const round = Math.max(knowledge.highestRound, this.#heldRound) + 1;
    knowledge.highestRound = round;
    this.#keptRound = round;
    // The former one's round is over at the first member that keeps this one.
    this.#heir = undefined;
    this.#entrusting = new Entrusting(this.#slot, round, this.#heldRound, ready, nowMs);
    this.#entrusting.send();
  }

  /** A member keeps the round. */
  entrusted(from: number, message: Echo): void {
    const entrusting = this.#entrusting;
    if (entrusting?.entrusted(from, message) !== true || this.#ready === undefined) return;
    this.#heir = { ...this.#ready, round: entrusting.round };
    this.#entrusting = undefined;
  }

  /** True if it is an answer to this. Where too many refuse there is no heir until the next question. */
  refused(from: number, message: Refuse): boolean {
    const entrusting = this.#entrusting;
    if (entrusting === undefined || !entrusting.isAnsweredBy(message)) return false;
    if (entrusting.refused(from, message)) this.#entrusting = undefined;
    return true;
  }
}
