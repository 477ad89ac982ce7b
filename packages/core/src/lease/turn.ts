// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder } from '@vnfpool/wire/lease';
import type { Slot } from './slot.ts';
import {
  attemptMs,
  birthDelayMs,
  crowdedRankDelayMs,
  RETRY_MARGIN_MS,
  rankDelayMs,
  rankSpreadMs,
  renewalMs,
  retrySpreadMs,
  unlistedProbeMs,
} from './timing.ts';
import { admits, type CandidateState, isLossAccepted, sameHolder } from './value.ts';

export interface Candidate {
  readonly holder: LeaseHolder;
  readonly isReady: boolean;
  readonly rank: number;
  /** Undefined: no state is shared. */
  readonly state: CandidateState | undefined;
}

/** When this node's candidate tries for the slot: after the lease that is known, by rank. Safety does not rest on it. */
export class Turn {
  candidate: Candidate | undefined;
  /** Since when the slot was seen to be free; told with the grant. */
  detectedAtMs: number | undefined;
  readonly #slot: Slot;
  #notBeforeMs = 0;
  /** If the lease was over by then: a stall cost it, and the last holder goes first, whatever its place in the queue. */
  #firstUntilMs = Number.NEGATIVE_INFINITY;
  #stalledAtMs = Number.NEGATIVE_INFINITY;
  #jitter: number;
  /** Tries on end that were refused by who named no time: they are made seldomer. */
  #vainTries = 0;

  constructor(slot: Slot) {
    this.#slot = slot;
    this.#jitter = slot.context.random.fraction();
  }

  /** A candidate is ready, and the node's clock may be relied on. */
  get mayTake(): boolean {
    return this.candidate?.isReady === true && this.#slot.hasFitClock;
  }

  /** Undefined while no candidate is ready. */
  nextTryMs(): number | undefined {
    const { candidate } = this;
    if (candidate === undefined || !this.mayTake) return undefined;
    const { leaseMs } = this.#slot;
    const { accepted, freeAtMs } = this.#slot.knowledge;
    const rank = freeAtMs <= this.#firstUntilMs ? 0 : candidate.rank;
    let delayMs = crowdedRankDelayMs(leaseMs, rank, this.#slot.context.slots());
    if (accepted?.round === 0) {
      const { node, functionId } = candidate.holder;
      const position = accepted.value.candidates.findIndex(
        (listed) => listed.node === node && listed.functionId === functionId,
      );
      delayMs = birthDelayMs(Math.max(0, position));
    }
    if (rank > 0) delayMs += this.#jitter * rankSpreadMs(leaseMs);
    if (accepted !== undefined && !this.#isAdmitted(accepted, candidate)) {
      const { lastResort } = accepted.value;
      delayMs += lastResort.rule === 'after' ? lastResort.afterMs : unlistedProbeMs(leaseMs);
    }
    return Math.max(freeAtMs + delayMs, this.#notBeforeMs);
  }

  #isAdmitted(accepted: AcceptedValue, { holder, state }: Candidate): boolean {
    const epoch = this.#slot.epoch(accepted.round);
    return admits(accepted, epoch, holder, state) || isLossAccepted(epoch, state);
  }

  /** The candidate lacks state, and could go on all the same after a time. */
  get isByLastResort(): boolean {
    const { candidate } = this;
    const { accepted } = this.#slot.knowledge;
    if (candidate?.state === undefined || accepted === undefined) return false;
    return accepted.value.lastResort.rule === 'after' && !this.#isAdmitted(accepted, candidate);
  }

  /** The candidate begins to try. */
  begin(nowMs: number): void {
    this.#firstUntilMs = Number.NEGATIVE_INFINITY;
    // Not what an earlier try saw: the holder may have renewed since.
    this.detectedAtMs = Math.min(this.#slot.knowledge.freeAtMs, nowMs);
  }

  drawJitter(): number {
    this.#jitter = this.#slot.context.random.fraction();
    return this.#jitter;
  }

  backOffUntil(atMs: number): void {
    this.#notBeforeMs = atMs;
  }

  /** A try found no majority. */
  failed(nowMs: number): void {
    const jitter = this.drawJitter();
    this.#tryAgainAfter(jitter * retrySpreadMs(this.#slot.leaseMs, this.#vainTries), nowMs);
  }

  /** A try was refused by a majority; `timeLeftMs` is what they told, if time is what keeps them. */
  refused(timeLeftMs: number | undefined, nowMs: number): void {
    if (timeLeftMs !== undefined && timeLeftMs > 0) {
      this.drawJitter();
      this.#tryAgainAfter(timeLeftMs + RETRY_MARGIN_MS, nowMs);
      return;
    }
    this.#vainTries += 1;
    this.failed(nowMs);
  }

  #tryAgainAfter(ms: number, nowMs: number): void {
    this.backOffUntil(nowMs + ms + rankDelayMs(this.#slot.leaseMs, this.candidate?.rank ?? 0));
  }

  /** This node's candidate holds the slot. */
  succeeded(): void {
    this.#vainTries = 0;
    this.detectedAtMs = undefined;
  }

  /** Who refused may have left the council. */
  councilChanged(nowMs: number): void {
    if (this.#vainTries === 0) return;
    this.#vainTries = 0;
    this.failed(nowMs);
  }

  /** Another candidate has this node's promise: two that try at once keep each other from the slot. */
  yieldTo(nowMs: number): void {
    this.backOffUntil(
      Math.max(this.#notBeforeMs, nowMs + attemptMs(this.#slot.leaseMs, this.#slot.context.slots())),
    );
  }

  /** The loop was late: accuse nobody; the last holder goes first, the others wait one renewal. */
  stalled(nowMs: number): void {
    this.#stalledAtMs = nowMs;
    const last = this.#slot.knowledge.accepted?.value.holder;
    const isLast =
      this.candidate !== undefined && last !== undefined && sameHolder(last, this.candidate.holder);
    if (isLast) this.#firstUntilMs = nowMs;
    else this.backOffUntil(Math.max(this.#notBeforeMs, nowMs + renewalMs(this.#slot.leaseMs)));
  }

  /** Whether a lease that ends now may have been lost by a stall of this node's own. */
  wasStalled(nowMs: number): boolean {
    return this.#stalledAtMs > nowMs - this.#slot.leaseMs;
  }

  /** The holder let go. */
  released(hasSuccessor: boolean, nowMs: number): void {
    if (hasSuccessor) {
      // The successor has its promises on the way.
      this.backOffUntil(nowMs + rankDelayMs(this.#slot.leaseMs, (this.candidate?.rank ?? 0) + 2));
      return;
    }
    this.detectedAtMs = undefined;
    this.#vainTries = 0;
    this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs);
  }
}
