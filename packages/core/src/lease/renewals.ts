// SPDX-License-Identifier: Apache-2.0
import {
  type LeaseMessage,
  type Proposer,
  RENEWALS_MAX,
  type Renewal,
  type RenewedMany,
} from '@vnfpool/wire/lease';
import type { Council } from './context.ts';
import { renewalMs, retransmitMs } from './timing.ts';

/** Renewals that share a serial, a first sending, and a message to each member. */
interface Batch {
  readonly serial: number;
  readonly firstSentMs: number;
  readonly leaseMs: number;
  items: Renewal[];
  /** Members that have renewed all of it. */
  readonly confirmed: Set<number>;
  /** By member: the serial of the message by which it knows these very slots; all others are told. */
  toldBy: ReadonlyMap<number, number>;
  /** By peer: its last answer that was there when this went out first. */
  readonly heard: ReadonlyMap<number, HeardAnswer>;
  resendAtMs: number;
}

/** A peer has answered a renewal. */
export interface HeardAnswer {
  /** The peer's own. */
  readonly incarnation: bigint;
  /** Of the renewal. */
  readonly serial: number;
  /** When that went out first. */
  readonly sentMs: number;
}

export interface RenewalsContext {
  council(): Council;
  nextSerial(): number;
  send(to: number, message: LeaseMessage): void;
  /** Whether the slot is still held and waits for answers to this serial. */
  isAwaited(slot: string, serial: number): boolean;
}

/**
 * Renewals on their way. Those of one step and one lease length go in messages of up to `RENEWALS_MAX` slots, which are
 * repeated as they are until a majority has confirmed all of them, or until the next renewal is due. Which slot was
 * renewed by whom is counted at its hold: the serial is one that no other request of any of these slots has.
 *
 * Who has confirmed all of a message is asked for the same slots by its serial the next time. Who does not answer that is told them
 * again: it may have forgotten.
 */
export class Renewals {
  readonly #context: RenewalsContext;
  /** By serial; of one lease at most. */
  readonly #batches = new Map<number, Batch>();
  /** The last of each peer; replaced and never changed, as batches keep what was so when they went out. */
  #heard: ReadonlyMap<number, HeardAnswer> = new Map();
  /** Those of this step, by lease length. */
  readonly #open = new Map<number, Batch>();
  /** The last one that begins with a slot. */
  readonly #last = new Map<string, Batch>();

  constructor(context: RenewalsContext) {
    this.#context = context;
  }

  /** Puts a renewal into this step's message; returns its serial. */
  add(renewal: Renewal, leaseMs: number, nowMs: number): number {
    let batch = this.#open.get(leaseMs);
    if (batch === undefined || batch.items.length === RENEWALS_MAX) {
      if (batch !== undefined) this.#sendFirst(batch);
      batch = {
        serial: this.#context.nextSerial(),
        firstSentMs: nowMs,
        leaseMs,
        items: [],
        confirmed: new Set(),
        toldBy: NOBODY,
        heard: this.#heard,
        resendAtMs: nowMs + retransmitMs(leaseMs),
      };
      this.#open.set(leaseMs, batch);
      this.#batches.set(batch.serial, batch);
    }
    batch.items.push(renewal);
    return batch.serial;
  }

  /** Whoever was asked is not asked any more. */
  clear(): void {
    this.#batches.clear();
    this.#open.clear();
    this.#last.clear();
    this.#heard = new Map();
  }

  /** Sends what this step has put together. */
  flush(): void {
    for (const batch of this.#open.values()) this.#sendFirst(batch);
    this.#open.clear();
  }

  /** A peer has answered a renewal, whatever it said to it. */
  answered(peer: Proposer, serial: number): void {
    const batch = this.#batches.get(serial);
    const known = this.#heard.get(peer.node);
    if (batch === undefined || (known?.incarnation === peer.incarnation && known.serial >= serial)) return;
    const answer = { incarnation: peer.incarnation, serial, sentMs: batch.firstSentMs };
    this.#heard = new Map(this.#heard).set(peer.node, answer);
  }

  /** See `SlotContext`. */
  answerBefore(serial: number, peer: Proposer): HeardAnswer | undefined {
    const answer = this.#batches.get(serial)?.heard.get(peer.node);
    return answer?.incarnation === peer.incarnation ? answer : undefined;
  }

  /** A member has renewed a slot that was asked for alone. */
  confirmed(from: number, serial: number): void {
    const batch = this.#batches.get(serial);
    if (batch?.items.length === 1) this.#confirm(batch, from);
  }

  /**
   * Which renewals a member's answer is about; empty when it answers nothing that is under way, and when a majority has renewed all of
   * it, which an answer more does not change.
   */
  renewedBy(from: number, { serial, renewed }: RenewedMany): readonly Renewal[] {
    const batch = this.#batches.get(serial);
    if (batch === undefined || batch.items.length !== renewed.length) return [];
    if (renewed.includes(false)) return batch.items.filter((_, index) => renewed[index]);
    const isSettled = batch.confirmed.size >= this.#context.council().majority;
    this.#confirm(batch, from);
    return isSettled ? [] : batch.items;
  }

  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const { resendAtMs } of this.#batches.values()) {
      if (resendAtMs !== Number.POSITIVE_INFINITY && (next === undefined || resendAtMs < next))
        next = resendAtMs;
    }
    return next;
  }

  /** Repeats what is due; forgets what the next renewal has overtaken. */
  expire(nowMs: number): void {
    for (const batch of this.#batches.values()) {
      // What is answered after that extends nothing: it counts from the first sending.
      if (nowMs >= batch.firstSentMs + batch.leaseMs) this.#forget(batch);
      else if (nowMs >= batch.resendAtMs) this.#repeat(batch, nowMs);
    }
  }

  #repeat(batch: Batch, nowMs: number): void {
    const { serial, firstSentMs, leaseMs, items } = batch;
    const isOvertaken = nowMs >= firstSentMs + renewalMs(leaseMs);
    if (isOvertaken || !items.some(({ slot }) => this.#context.isAwaited(slot, serial))) {
      batch.resendAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    batch.resendAtMs = nowMs + retransmitMs(leaseMs);
    this.#send(batch);
  }

  #confirm(batch: Batch, member: number): void {
    batch.confirmed.add(member);
    // Those that have not answered are asked again by the next renewal.
    if (batch.confirmed.size >= this.#context.council().majority) batch.resendAtMs = Number.POSITIVE_INFINITY;
  }

  #forget(batch: Batch): void {
    this.#batches.delete(batch.serial);
    const slot = batch.items[0]?.slot ?? '';
    if (this.#last.get(slot) === batch) this.#last.delete(slot);
  }

  #sendFirst(batch: Batch): void {
    const slot = batch.items[0]?.slot ?? '';
    const former = this.#last.get(slot);
    this.#last.set(slot, batch);
    if (former !== undefined && isSame(former.items, batch.items)) {
      batch.items = former.items;
      batch.toldBy = new Map(
        [...former.confirmed].map((member) => [member, former.toldBy.get(member) ?? former.serial]),
      );
    }
    this.#send(batch);
  }

  #send({ serial, items, confirmed, toldBy }: Batch): void {
    const [first] = items;
    if (first === undefined) return;
    const message: LeaseMessage =
      items.length === 1
        ? { type: 'renew', serial, ...first }
        : { type: 'renew-many', serial, renewals: items };
    for (const member of new Set(this.#context.council().members)) {
      if (confirmed.has(member)) continue;
      const list = items.length === 1 ? undefined : toldBy.get(member);
      this.#context.send(member, list === undefined ? message : { type: 'renew-again', serial, list });
    }
  }
}

const NOBODY: ReadonlyMap<number, number> = new Map();

/** Whether these are the same renewals at the same places. */
function isSame(some: readonly Renewal[], others: readonly Renewal[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, at) => one === others[at] || isEqual(one, others[at] as Renewal))
  );
}

function isEqual(one: Renewal, other: Renewal): boolean {
  return one.slot === other.slot && one.round === other.round;
}
