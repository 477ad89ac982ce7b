// SPDX-License-Identifier: Apache-2.0
import type { LeaseHolder, Proposer, Ready } from '@vnfpool/wire/lease';
import type { Hold } from './hold.ts';
import type { Basis } from './proposing.ts';
import type { Slot } from './slot.ts';
import { releaseRepeatMs, retransmitMs, seekMs } from './timing.ts';
import type { LeaseOutput } from './types.ts';
import { mayBeNext } from './value.ts';

/* A holder that lets go for somebody: by an order, or since it lets go in any case. */

export interface HandOverTarget {
  readonly node: number;
  readonly functionId: number;
}

export interface ReadySuccessor {
  readonly proposer: Proposer;
  readonly holder: LeaseHolder;
  /** Of the word that the successor waits for. */
  readonly handOnSerial: number;
}

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
  const handOver = new HandOver(slot, { targets: [to], nonce, isPlanned: true }, nowMs);
  handOver.send(hold.round);
  return handOver;
}

/** For a holder that lets go in any case: whoever is first in the queue is asked, for a moment. */
export function seekSuccessor(slot: Slot, hold: Hold, nowMs: number): HandOver | undefined {
  const { node, random } = slot.context;
  const targets = hold.value.candidates.filter((candidate) => candidate.node !== node);
  if (targets.length === 0) return undefined;
  const handOver = new HandOver(slot, { targets, nonce: random.u64().toString(16), isPlanned: false }, nowMs);
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

interface Order {
  readonly targets: readonly HandOverTarget[];
  readonly nonce: string;
  /** Somebody waits for its outcome; if it fails, the slot stays. */
  readonly isPlanned: boolean;
}

/** At the holder: the successor is asked whether it is ready, until a round is reserved for it or the time is over. */
export class HandOver {
  readonly #slot: Slot;
  readonly #order: Order;
  readonly #serial: number;
  #untilMs: number;
  #resendAtMs: number | undefined;
  #ready: ReadySuccessor | undefined;

  constructor(slot: Slot, order: Order, nowMs: number) {
    this.#slot = slot;
    this.#order = order;
    this.#serial = slot.nextSerial();
    const forMs = order.isPlanned ? 2 * releaseRepeatMs(slot.leaseMs) : seekMs(slot.leaseMs);
    this.#untilMs = nowMs + forMs;
    this.#resendAtMs = nowMs + Math.min(retransmitMs(slot.leaseMs), forMs);
  }

  get nonce(): string {
    return this.#order.nonce;
  }

  /** Undefined once it does not ask any more. */
  get resendAtMs(): number | undefined {
    return this.#resendAtMs;
  }

  send(round: number): void {
    const { targets, isPlanned } = this.#order;
    const nonce = nonceOnWire(this.nonce);
    for (const { node, functionId } of targets)
      this.#slot.context.send(node, {
        type: 'offer',
        slot: this.#slot.id,
        serial: this.#serial,
        round,
        functionId,
        nonce,
        purpose: isPlanned ? 'order' : 'first',
      });
  }

  /** Asks once more if that is due; false once it is over, which it says. */
  repeatIfDue(hold: Hold | undefined, nowMs: number): boolean {
    if (this.#resendAtMs === undefined || nowMs < this.#resendAtMs) return true;
    if (hold === undefined || nowMs >= this.#untilMs) {
      this.fail(hold === undefined ? 'lost' : 'no-answer');
      return false;
    }
    this.#resendAtMs = nowMs + retransmitMs(this.#slot.leaseMs);
    this.send(hold.round);
    return true;
  }

  /** Nothing was read while the fence was being closed, which may have taken long: who answered meanwhile is heard now. */
  fenceClosed(nowMs: number): void {
    if (this.#resendAtMs === undefined) return;
    this.#untilMs = nowMs + seekMs(this.#slot.leaseMs);
    this.#resendAtMs = this.#untilMs;
  }

  /** A round is being reserved for the successor: there is no way back to before. */
  decided(): void {
    this.#resendAtMs = undefined;
  }

  fail(reason: Failure): void {
    if (this.#order.isPlanned) tellFailure(this.#slot, this.nonce, reason);
  }

  /** The successor, once it has answered. */
  get ready(): ReadySuccessor | undefined {
    return this.#ready;
  }

  /** The one that is ready, if it may follow by the list still; says so otherwise. */
  successorAfter({ former, listing }: Basis): ReadySuccessor | undefined {
    const { definition } = this.#slot;
    const ready = this.#ready;
    if (ready && mayBeNext(definition, former.value, ready.holder, listing.candidates)) return ready;
    this.fail('unknown-candidate');
    return undefined;
  }

  /** Notes the answer; true if it is to this offer, of one that was asked. */
  answered(from: number, incarnation: bigint, message: Ready): boolean {
    const { functionId, functionIncarnation, handOnSerial } = message;
    if (this.#serial !== message.serial || nonceOnWire(this.nonce) !== message.nonce) return false;
    const isMeant = ({ node, functionId: id }: HandOverTarget): boolean => node === from && id === functionId;
    if (!this.#order.targets.some(isMeant)) return false;
    const holder = { node: from, functionId, functionIncarnation };
    this.#ready = { proposer: { node: from, incarnation }, holder, handOnSerial };
    return true;
  }
}

function nonceOnWire(nonce: string): string {
  return nonce.padStart(16, '0');
}
