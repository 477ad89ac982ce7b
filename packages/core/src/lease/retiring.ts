// SPDX-License-Identifier: Apache-2.0
import type { LeaseCandidate, Release } from '@vnfpool/wire/lease';
import { sendToAll } from './context.ts';
import type { Slot } from './slot.ts';
import { releaseRepeatMs, retransmitMs } from './timing.ts';

/** A release that is repeated until every member has confirmed it, or its time is over. */
export class Retiring {
  readonly #slot: Slot;
  readonly #message: Release;
  /** Nodes of candidates, which would else learn of it late. Of what is taken back they need not know. */
  readonly #hosts: readonly number[];
  readonly #confirmed = new Set<number>();
  readonly #untilMs: number;
  #resendAtMs: number;

  constructor(
    slot: Slot,
    release: Pick<Release, 'round' | 'reason' | 'successor'>,
    candidates: readonly LeaseCandidate[],
    nowMs: number,
  ) {
    const { round, reason, successor } = release;
    this.#slot = slot;
    this.#message = { type: 'release', slot: slot.id, serial: slot.nextSerial(), round, reason, successor };
    this.#untilMs = nowMs + releaseRepeatMs(slot.leaseMs);
    this.#resendAtMs = nowMs + retransmitMs(slot.leaseMs);
    const hosts = candidates.map(({ node }) => node).filter((node) => node !== slot.context.node);
    this.#hosts = reason === 'abandoned' ? [] : hosts;
  }

  send(): void {
    // The council may have changed since the last time.
    const audience = [...this.#slot.council.members, ...this.#hosts];
    const open = audience.filter((node) => !this.#confirmed.has(node));
    sendToAll(this.#slot.context, open, this.#message);
  }

  /** Notes a confirmation; true once all members have confirmed. */
  confirmed(from: number, serial: number): boolean {
    if (this.#message.serial !== serial) return false;
    this.#confirmed.add(from);
    return this.#slot.council.members.every((member) => this.#confirmed.has(member));
  }

  get resendAtMs(): number {
    return this.#resendAtMs;
  }

  /** Sends once more if that is due; false once it is over. */
  repeatIfDue(nowMs: number): boolean {
    if (nowMs < this.#resendAtMs) return true;
    if (nowMs >= this.#untilMs) return false;
    this.#resendAtMs = nowMs + retransmitMs(this.#slot.leaseMs);
    this.send();
    return true;
  }
}
