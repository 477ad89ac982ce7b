// SPDX-License-Identifier: Apache-2.0
import type { HandOn, LeaseHolder, Offer, Release } from '@vnfpool/wire/lease';
import type { Granted } from './handed-on.ts';
import { heldUntilMs } from './hold.ts';
import type { Slot } from './slot.ts';
import { releaseRepeatMs } from './timing.ts';
import type { Turn } from './turn.ts';
import { sameHolder } from './value.ts';

export interface Lease {
  /** Own clock. */
  readonly fromMs: number;
  readonly leaseMs: number;
}

/** This node's candidate as the one that a holder lets go for: what it has said that it is ready for, and the word that it waits for. */
export class Following {
  readonly #slot: Slot;
  readonly #turn: Turn;
  #expected: Expected | undefined;
  /** What a holder that stays was told. */
  #standing: Expected | undefined;

  constructor(slot: Slot, turn: Turn) {
    this.#slot = slot;
    this.#turn = turn;
  }

  isWaiting(nowMs: number): boolean {
    return this.#expected?.isOver(nowMs) === false;
  }

  drop(): void {
    this.#expected = undefined;
    this.#standing = undefined;
  }

  dropIfOver(nowMs: number): void {
    if (this.#expected?.isOver(nowMs)) this.#expected = undefined;
  }

  /**
   * If the candidate, which neither holds nor tries, will take the slot over it says `ready`.
   * @returns until when it would hold the slot; undefined: it does not take it
   */
  offered(from: number, incarnation: bigint, message: Offer, nowMs: number): number | undefined {
    const { candidate } = this.#turn;
    if (candidate?.holder.functionId !== message.functionId || !this.#turn.mayTake) return undefined;
    // It would be let go for one that may not go on.
    if (candidate.state?.hasCopy === false) return undefined;
    if (message.purpose !== 'order' && candidate.rank > 0) return undefined;
    if (message.purpose === 'heir') {
      this.#answerAsHeir(from, incarnation, message, candidate.holder, nowMs);
      return undefined;
    }
    if (!this.#expected?.isFor(from, message)) {
      this.#expected = new Expected(this.#slot, from, incarnation, message, nowMs);
    }
    this.#expected.answer(incarnation, candidate.holder);
    return heldUntilMs(this.#slot, this.#slot.leaseMs, this.#expected.askedAtMs, nowMs);
  }

  /** The word that it waits for is the same as long as one incarnation asks: that one may have an earlier answer. */
  #answerAsHeir(from: number, incarnation: bigint, message: Offer, holder: LeaseHolder, nowMs: number): void {
    if (!this.#standing?.isOf(from, incarnation))
      this.#standing = new Expected(this.#slot, from, incarnation, message, nowMs);
    this.#standing.answer(incarnation, holder, message);
  }

  /** A release for nobody ends what its sender has offered. */
  released(from: number, { round, successor }: Release): void {
    if (successor === null && this.#expected?.isEndedBy(from, round)) this.#expected = undefined;
  }

  /** Whether this is the word that is waited for, which is so once. */
  heard({ serial, answeredSerial }: HandOn): Expected | undefined {
    const expected = answeredSerial === null ? this.#expected : this.#standing;
    if (expected?.serial !== serial) return undefined;
    this.drop();
    return expected;
  }

  /** From when on the lease counts that this word is about, and how long it is; undefined: from nothing that is known. */
  leaseOf({ value, former, answeredSerial }: HandOn, expected: Expected, nowMs: number): Lease | undefined {
    if (answeredSerial === null) return { fromMs: expected.askedAtMs, leaseMs: value.leaseMs };
    const { context } = this.#slot;
    const fromMs = context.answeredAtMs(expected.from, expected.incarnation, answeredSerial);
    if (fromMs === undefined) return undefined;
    // It is the former lease, in which nobody else may begin.
    const leaseMs = Math.min(value.leaseMs, former.value.leaseMs);
    return { fromMs: context.rules.heirLeaseStartMs(fromMs, nowMs), leaseMs };
  }

  /** What the word makes the candidate's; undefined: it is not what it was when it said `ready`. */
  granted({ round, value, former }: HandOn, askedAtMs: number): Granted | undefined {
    const { candidate } = this.#turn;
    if (candidate === undefined || !sameHolder(candidate.holder, value.holder)) return undefined;
    if (!this.#turn.mayTake || candidate.state?.hasCopy === false) return undefined;
    return { round, holder: value.holder, value, former, firstSentMs: askedAtMs };
  }
}

/** The word that a holder has let go, for which this node's candidate has said that it is ready. */
export class Expected {
  readonly serial: number;
  readonly from: number;
  readonly incarnation: bigint;
  /** Before the round was asked for that the word will be about: its lease counts from here. */
  readonly askedAtMs: number;
  readonly #slot: Slot;
  readonly #offer: Offer;
  readonly #untilMs: number;

  constructor(slot: Slot, from: number, incarnation: bigint, offer: Offer, nowMs: number) {
    this.serial = slot.nextSerial();
    this.from = from;
    this.incarnation = incarnation;
    this.askedAtMs = nowMs;
    this.#slot = slot;
    this.#offer = offer;
    this.#untilMs = nowMs + 4 * releaseRepeatMs(slot.leaseMs);
  }

  /** Whether an offer is the one that this was made for. */
  isFor(from: number, { nonce, serial }: Offer): boolean {
    return this.from === from && this.#offer.nonce === nonce && this.#offer.serial === serial;
  }

  isOf(from: number, incarnation: bigint): boolean {
    return this.from === from && this.incarnation === incarnation;
  }

  /** Whether a release of `round` ends what was offered, and not something before. */
  isEndedBy(from: number, round: number): boolean {
    return this.from === from && round >= this.#offer.round;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** Says `ready`, to the incarnation that offered. */
  answer(
    incarnation: bigint,
    { functionId, functionIncarnation }: LeaseHolder,
    { serial, round, nonce }: Offer = this.#offer,
  ): void {
    this.#slot.context.send(this.from, {
      type: 'ready',
      slot: this.#slot.id,
      serial,
      round,
      incarnation,
      nonce,
      functionId,
      functionIncarnation,
      handOnSerial: this.serial,
    });
  }
}
