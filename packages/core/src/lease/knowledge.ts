// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue } from '@vnfpool/wire/lease';
import type { RegisterView } from './member.ts';

/**
 * What a node knows of a slot from others' answers and, where it is a member, from its own register. A hint for
 * when to try and with which round; never a right.
 */
export class Knowledge {
  /** Highest round that any member reported as promised or accepted. */
  highestRound = 0;
  /** Highest value seen. */
  accepted: AcceptedValue | undefined;
  /** When its lease is over, as far as known; own clock. */
  freeAtMs: number;
  #highestReleased = 0;

  /** Of the last release that was heard, or 0: its holder may have been known by a lower round only. */
  get releasedRound(): number {
    return this.#highestReleased;
  }

  /** Nothing is known before `nowMs`. */
  constructor(nowMs: number) {
    this.freeAtMs = nowMs;
  }

  learn(promisedRound: number, accepted: AcceptedValue | null, freeAtMs: number): void {
    this.highestRound = Math.max(this.highestRound, promisedRound, accepted?.round ?? 0);
    if (accepted === null) return;
    if (this.accepted === undefined || accepted.round > this.accepted.round) {
      this.accepted = accepted;
      this.freeAtMs = freeAtMs;
    } else if (accepted.round === this.accepted.round) {
      if (accepted.released !== null && this.accepted.released === null) {
        this.accepted = accepted;
        this.freeAtMs = Math.min(this.freeAtMs, freeAtMs);
      } else if (this.accepted.released === null) {
        this.freeAtMs = Math.max(this.freeAtMs, freeAtMs);
      }
    }
  }

  /** Nothing that was decided stands any more; the rounds stay used. */
  forget(nowMs: number): void {
    this.accepted = undefined;
    this.freeAtMs = nowMs;
  }

  /** The lease of the highest value goes on; false if it is not of this round, or was released. */
  learnRenewal(round: number, freeAtMs: number): boolean {
    if (this.accepted?.round !== round || this.accepted.released !== null) return false;
    this.freeAtMs = Math.max(this.freeAtMs, freeAtMs);
    return true;
  }

  learnRegister(view: RegisterView): void {
    this.learn(view.promisedRound, view.accepted, view.leaseUntilMs);
  }

  /** A release of `round` by `node` was heard at `nowMs`; true if that is news. */
  learnRelease(
    node: number,
    round: number,
    reason: NonNullable<AcceptedValue['released']>,
    nowMs: number,
  ): boolean {
    if (round <= this.#highestReleased) return false;
    this.#highestReleased = round;
    this.highestRound = Math.max(this.highestRound, round);
    const { accepted } = this;
    // The end of a round that this node never heard of.
    if (accepted === undefined || (accepted.round < round && accepted.proposer.node !== node)) return true;
    if (accepted.proposer.node !== node || accepted.round > round || accepted.released !== null) return false;
    this.accepted = { ...accepted, released: reason };
    this.freeAtMs = Math.min(this.freeAtMs, nowMs);
    return true;
  }
}
