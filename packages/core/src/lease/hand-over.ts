// SPDX-License-Identifier: Apache-2.0
import type { LeaseHolder, LeaseValue, Offer, Ready, Successor } from '@vnfpool/wire/lease';
import type { Slot } from './slot.ts';
import { releaseRepeatMs, retransmitMs } from './timing.ts';

/* A planned hand-over: the order at the holder, and the promise that its successor waits for. */

export interface HandOverTarget {
  readonly node: number;
  readonly functionId: number;
}

export type ReadySuccessor = Omit<Successor, 'round'>;

/** What forbids the order to a holder of `value`. */
export function handOverFault(
  slot: Slot,
  value: LeaseValue,
  to: HandOverTarget,
  nonce: string,
): 'invalid-nonce' | 'unknown-candidate' | undefined {
  if (!/^[0-9a-f]{1,16}$/.test(nonce)) return 'invalid-nonce';
  const isListed = value.candidates.some(
    ({ node, functionId }) => node === to.node && functionId === to.functionId,
  );
  return isListed && to.node !== slot.context.node ? undefined : 'unknown-candidate';
}

/** At the holder: the successor is asked whether it is ready, until it answers or the time is over. */
export class HandOver {
  readonly nonce: string;
  readonly #slot: Slot;
  readonly #to: HandOverTarget;
  readonly #serial: number;
  readonly #untilMs: number;
  #resendAtMs: number;

  constructor(slot: Slot, to: HandOverTarget, nonce: string, nowMs: number) {
    this.nonce = nonce;
    this.#slot = slot;
    this.#to = to;
    this.#serial = slot.nextSerial();
    this.#untilMs = nowMs + 2 * releaseRepeatMs(slot.leaseMs);
    this.#resendAtMs = nowMs + retransmitMs(slot.leaseMs);
  }

  get resendAtMs(): number {
    return this.#resendAtMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  send(round: number): void {
    const { node, functionId } = this.#to;
    const nonce = nonceOnWire(this.nonce);
    this.#slot.context.send(node, {
      type: 'offer',
      slot: this.#slot.id,
      serial: this.#serial,
      round,
      functionId,
      nonce,
    });
  }

  repeat(round: number, nowMs: number): void {
    this.#resendAtMs = nowMs + retransmitMs(this.#slot.leaseMs);
    this.send(round);
  }

  /** The successor, if it is the one that was asked and this is its answer. */
  successor(from: number, incarnation: bigint, message: Ready): ReadySuccessor | undefined {
    const { functionId, functionIncarnation, promiseSerial } = message;
    if (this.#serial !== message.serial || nonceOnWire(this.nonce) !== message.nonce) return undefined;
    if (this.#to.node !== from || this.#to.functionId !== functionId) return undefined;
    return { proposer: { node: from, incarnation }, functionId, functionIncarnation, serial: promiseSerial };
  }
}

/** At the successor: the serial under which members will promise the round that the holder prepares for it. */
export class Expected {
  readonly serial: number;
  readonly #slot: Slot;
  readonly #from: number;
  readonly #nonce: string;
  readonly #untilMs: number;

  constructor(slot: Slot, from: number, nonce: string, nowMs: number) {
    this.serial = slot.nextSerial();
    this.#slot = slot;
    this.#from = from;
    this.#nonce = nonce;
    this.#untilMs = nowMs + 4 * releaseRepeatMs(slot.leaseMs);
  }

  /** Whether an offer is the one that this was made for. */
  isFor(from: number, nonce: string): boolean {
    return this.#nonce === nonce && this.#from === from;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** Says `ready`, to the incarnation that offered. */
  answer(offer: Offer, incarnation: bigint, { functionId, functionIncarnation }: LeaseHolder): void {
    const { serial, round, nonce } = offer;
    this.#slot.context.send(this.#from, {
      type: 'ready',
      slot: this.#slot.id,
      serial,
      round,
      incarnation,
      nonce,
      functionId,
      functionIncarnation,
      promiseSerial: this.serial,
    });
  }
}

function nonceOnWire(nonce: string): string {
  return nonce.padStart(16, '0');
}
