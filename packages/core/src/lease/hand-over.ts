// SPDX-License-Identifier: Apache-2.0
import type { LeaseHolder, Offer, Ready, Successor } from '@vnfpool/wire/lease';
import type { Hold } from './hold.ts';
import type { Slot } from './slot.ts';
import { releaseRepeatMs, retransmitMs } from './timing.ts';
import type { LeaseOutput } from './types.ts';

/* A planned hand-over: the order at the holder, and the promise that its successor waits for. */

export interface HandOverTarget {
  readonly node: number;
  readonly functionId: number;
}

export type ReadySuccessor = Omit<Successor, 'round'>;

type Failure = Extract<LeaseOutput, { type: 'hand-over-failed' }>['reason'];

/** Takes the order if it can be carried out by this hold; says why not otherwise. */
export function beginHandOver(
  slot: Slot,
  hold: Hold | undefined,
  to: HandOverTarget,
  nonce: string,
  nowMs: number,
): HandOver | undefined {
  const fault = handOverFault(slot, hold, to, nonce);
  if (hold === undefined || fault !== undefined) {
    tellFailure(slot, nonce, fault ?? 'not-holding');
    return undefined;
  }
  const handOver = new HandOver(slot, to, nonce, nowMs);
  handOver.send(hold.round);
  return handOver;
}

function handOverFault(
  slot: Slot,
  hold: Hold | undefined,
  to: HandOverTarget,
  nonce: string,
): Failure | undefined {
  if (hold === undefined || hold.closing !== undefined) return 'not-holding';
  if (!/^[0-9a-f]{1,16}$/.test(nonce)) return 'invalid-nonce';
  const isListed = hold.value.candidates.some(
    ({ node, functionId }) => node === to.node && functionId === to.functionId,
  );
  return isListed && to.node !== slot.context.node ? undefined : 'unknown-candidate';
}

function tellFailure({ id, context }: Slot, nonce: string, reason: Failure): void {
  context.emit({ type: 'hand-over-failed', slot: id, nonce, reason });
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

  /** Asks once more if that is due; false once it is over, which it says. */
  repeatIfDue(hold: Hold | undefined, nowMs: number): boolean {
    if (nowMs < this.#resendAtMs) return true;
    if (hold === undefined || nowMs >= this.#untilMs) {
      this.fail(hold === undefined ? 'lost' : 'no-answer');
      return false;
    }
    this.#resendAtMs = nowMs + retransmitMs(this.#slot.leaseMs);
    this.send(hold.round);
    return true;
  }

  fail(reason: Failure): void {
    tellFailure(this.#slot, this.nonce, reason);
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
