// SPDX-License-Identifier: Apache-2.0
import type { LeaseHolder, LeaseMessage, Refuse } from '@vnfpool/wire/lease';
import { sendToAll } from './context.ts';
import type { Slot } from './slot.ts';
import { Tally } from './tally.ts';
import { attemptMs, attemptRetransmitMs } from './timing.ts';

/** The round and serial that an answer echoes. */
export interface Echo {
  readonly round: number;
  readonly serial: number;
}

/** One round on its way: one request to all members, repeated until its time is over. */
export abstract class Attempt {
  readonly round: number;
  readonly serial: number;
  readonly holder: LeaseHolder;
  readonly firstSentMs: number;
  protected readonly slot: Slot;
  protected readonly tally: Tally;
  readonly #refusals = new Map<number, Refuse>();
  #resendAtMs: number;
  #resendAfterMs: number;

  constructor(slot: Slot, round: number, serial: number, holder: LeaseHolder, nowMs: number) {
    this.slot = slot;
    this.round = round;
    this.serial = serial;
    this.holder = holder;
    this.firstSentMs = nowMs;
    this.tally = new Tally(slot.context.rules);
    this.#resendAfterMs = attemptRetransmitMs(slot.leaseMs, slot.context.slots());
    this.#resendAtMs = nowMs + this.#resendAfterMs;
  }

  protected abstract request(): LeaseMessage;

  /** To every member that has not answered yet; a repetition keeps serial and first send time. */
  send(): void {
    sendToAll(this.slot.context, this.slot.unanswered(this.tally), this.request());
  }

  /** Whether `answer` is one to this request. */
  isAnsweredBy({ round, serial }: Echo): boolean {
    return this.round === round && this.slot.context.rules.isSameRequest(this.serial, serial);
  }

  /** Counts a refusal; true if no majority can say yes any more. */
  refused(from: number, message: Refuse): boolean {
    if (!this.isAnsweredBy(message) || this.tally.has(from)) return false;
    this.#refusals.set(from, message);
    const { members, majority } = this.slot.council;
    return members.length - this.#refusals.size < majority;
  }

  /**
   * After how long enough of the refusing members could say yes; 0 when time is not what keeps them, undefined
   * when too few would.
   */
  timeLeftMs(): number | undefined {
    const waits = [...this.#refusals.values()]
      .filter(({ reason }) => reason === 'leased' || reason === 'mute')
      .map((refusal) => refusal.timeLeftMs)
      .sort((a, b) => a - b);
    const needed = this.slot.council.majority - this.tally.count;
    return needed <= 0 ? 0 : waits[needed - 1];
  }

  nextDeadline(): number {
    return Math.min(this.#resendAtMs, this.#untilMs);
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  repeatIfDue(nowMs: number): void {
    if (nowMs < this.#resendAtMs) return;
    // Who has a thousand of these to answer must not be given them again and again.
    this.#resendAfterMs *= 2;
    this.#resendAtMs = nowMs + this.#resendAfterMs;
    this.send();
  }

  get #untilMs(): number {
    return this.firstSentMs + attemptMs(this.slot.leaseMs, this.slot.context.slots());
  }
}
