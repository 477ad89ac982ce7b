// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, HandOn, LeaseCandidate, Release } from '@vnfpool/wire/lease';
import { sendToAll } from './context.ts';
import type { Reserved } from './reserving.ts';
import type { Slot } from './slot.ts';
import { releaseRepeatMs, retransmitMs } from './timing.ts';

/** To the successor in a hand-over, in place of the release. */
export interface Word {
  readonly to: number;
  readonly message: HandOn;
}

export function wordTo(
  { proposer, handOnSerial, round, value, answeredSerial }: Reserved,
  former: AcceptedValue,
  slot: string,
): Word {
  const { node, incarnation } = proposer;
  const echo = { slot, serial: handOnSerial, round, incarnation };
  return { to: node, message: { type: 'hand-on', ...echo, value, former, answeredSerial } };
}

/** A release that is repeated until every member has confirmed it, or its time is over. */
export class Retiring {
  readonly #slot: Slot;
  readonly #message: Release;
  readonly #word: Word | undefined;
  /** Nodes of candidates, which would else learn of it late. Of what is taken back they need not know. */
  readonly #hosts: readonly number[];
  readonly #confirmed = new Set<number>();
  readonly #untilMs: number;
  #resendAtMs: number;

  constructor(
    slot: Slot,
    release: Pick<Release, 'round' | 'reason' | 'successor'>,
    candidates: readonly LeaseCandidate[],
    word: Word | undefined,
    nowMs: number,
  ) {
    const { round, reason, successor } = release;
    this.#slot = slot;
    this.#word = word;
    this.#message = { type: 'release', slot: slot.id, serial: slot.nextSerial(), round, reason, successor };
    this.#untilMs = nowMs + releaseRepeatMs(slot.leaseMs);
    this.#resendAtMs = nowMs + retransmitMs(slot.leaseMs);
    const hosts = candidates.map(({ node }) => node).filter((node) => node !== slot.context.node);
    this.#hosts = reason === 'abandoned' ? [] : hosts;
  }

  send(): void {
    // The council may have changed since the last time.
    const { context, council } = this.#slot;
    const successor = this.#word?.to;
    const audience = [...council.members, ...this.#hosts].filter((node) => node !== successor);
    // Whoever is to begin is told first.
    if (this.#word !== undefined && !this.#confirmed.has(this.#word.to))
      context.send(this.#word.to, this.#word.message);
    const open = audience.filter((node) => !this.#confirmed.has(node));
    sendToAll(context, open, this.#message);
  }

  /** Notes a confirmation; true once all members have confirmed, and the successor. */
  confirmed(from: number, serial: number): boolean {
    const word = this.#word;
    if (serial !== (from === word?.to ? word.message.serial : this.#message.serial)) return false;
    this.#confirmed.add(from);
    const audience = [...this.#slot.council.members, ...(word === undefined ? [] : [word.to])];
    return audience.every((node) => this.#confirmed.has(node));
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
