// SPDX-License-Identifier: Apache-2.0
import type { Standing } from '@vnfpool/wire/lease';
import { sendToAll } from './context.ts';
import type { Slot } from './slot.ts';
import { attemptMs, renewalMs, retransmitMs } from './timing.ts';
import type { Turn } from './turn.ts';

/** Others that have more may have this many turns before one that has less: they may not reach the council. */
const DEFERRALS_MAX = 3;

interface Survey {
  readonly untilMs: number;
  resendAtMs: number;
}

/**
 * Before the last resort a candidate says how much of the state it has, and waits for a renewal's time: whoever can be reached and
 * has more goes first. It is a question of order, not of right: a word that is lost costs updates, and the value says that some are lost.
 */
export class LastResort {
  readonly #slot: Slot;
  readonly #turn: Turn;
  #survey: Survey | undefined;
  #deferrals = 0;
  #deferredUntilMs = 0;

  constructor(slot: Slot, turn: Turn) {
    this.#slot = slot;
    this.#turn = turn;
  }

  /** When to look again, with a candidate whose turn is at `tryAtMs`. */
  wakeMs(tryAtMs: number): number {
    const survey = this.#survey;
    return survey === undefined ? tryAtMs : Math.max(tryAtMs, Math.min(survey.resendAtMs, survey.untilMs));
  }

  /** It is not the candidate's turn any more. */
  drop(): void {
    this.#survey = undefined;
  }

  /** Whether the candidate, whose turn it is, tries now; else the others are being asked. */
  mayTry(nowMs: number): boolean {
    if (!this.#turn.isByLastResort) {
      this.#survey = undefined;
      this.#deferrals = 0;
      return true;
    }
    const { leaseMs } = this.#slot;
    const survey = (this.#survey ??= { untilMs: nowMs + renewalMs(leaseMs), resendAtMs: nowMs });
    if (nowMs >= survey.untilMs) {
      this.#survey = undefined;
      return true;
    }
    if (nowMs >= survey.resendAtMs) {
      survey.resendAtMs = nowMs + retransmitMs(leaseMs);
      this.#ask();
    }
    return false;
  }

  /** Another candidate says what it has: it is told of more, or goes first. */
  heard(from: number, message: Standing, nowMs: number): void {
    const { context, leaseMs } = this.#slot;
    const own = this.#standing();
    if (own === undefined || !this.#turn.mayTake) return;
    if (compare(own, message) > 0 || (compare(own, message) === 0 && context.node < from)) {
      context.send(from, own);
      return;
    }
    if (!this.#turn.isByLastResort || nowMs < this.#deferredUntilMs) return;
    if (this.#deferrals >= DEFERRALS_MAX) return;
    this.#deferrals += 1;
    this.#deferredUntilMs = nowMs + renewalMs(leaseMs) + attemptMs(leaseMs, context.slots());
    this.#survey = undefined;
    this.#turn.backOffUntil(this.#deferredUntilMs);
  }

  /** To all that may have a candidate: members, those that the last value lists, and those of the definition. */
  #ask(): void {
    const { context, council, knowledge, definition } = this.#slot;
    const standing = this.#standing();
    if (standing === undefined) return;
    const candidates = [...(knowledge.accepted?.value.candidates ?? []), ...definition.candidates];
    const hosts = [...council.members, ...candidates.map(({ node }) => node)];
    const others = hosts.filter((node) => node !== context.node);
    sendToAll(context, others, standing);
  }

  /** Undefined: there is no candidate, or no state that it could lack. */
  #standing(): Standing | undefined {
    const { candidate } = this.#turn;
    if (candidate?.state === undefined) return undefined;
    const { epoch, sequence } = candidate.state.position ?? { epoch: 0, sequence: 0 };
    const { id, knowledge } = this.#slot;
    const round = knowledge.accepted?.round ?? 0;
    const { functionId } = candidate.holder;
    return { type: 'standing', slot: id, serial: 0, round, functionId, epoch, sequence };
  }
}

/** Above 0: `a` has more than `b`; of two that have the same the one with the lower Function ID is before. */
function compare(a: Standing, b: Standing): number {
  return a.epoch - b.epoch || a.sequence - b.sequence || b.functionId - a.functionId;
}
