// SPDX-License-Identifier: Apache-2.0
import type { MobilityMessage } from '@vnfpool/wire/mobility';
import { laterSequence, nextSequence, sequenceDistance } from './sequence.ts';

/** The oldest unanswered number and the newest one sent are less than this apart. */
const UNANSWERED_MAX = 256;
/** Numbers reserved at once. */
const BLOCK = 4096;

interface Waiting<Tag> {
  readonly tag: Tag;
  readonly build: (sequence: number) => MobilityMessage;
}

interface Sent<Tag> {
  readonly tag: Tag;
  readonly message: MobilityMessage;
  sentAtMs: number;
}

/**
 * Messages that must be answered: numbered when first sent, kept until their ACK, sent again under the same
 * number on a new connection. `tag` is what the owner wants back with the ACK.
 */
export class Outbox<Tag> {
  readonly #capacity: number;
  readonly #waiting: Waiting<Tag>[] = [];
  /** In the order of their numbers. */
  readonly #sent = new Map<number, Sent<Tag>>();
  #last = 0;
  #reservedTo = 0;
  #reserve: ((upTo: number) => void) | null = null;

  /** `capacity`: messages that wait or are unanswered. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#waiting.length + this.#sent.size;
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  /** Messages that can still be pushed. */
  get room(): number {
    return Math.max(0, this.#capacity - this.size);
  }

  /** A number for a message that is not kept: REGISTRATION, KEEP-ALIVE. */
  allocate(): number {
    this.#last = nextSequence(this.#last);
    if (this.#reserve && sequenceDistance(this.#last, this.#reservedTo) < 0) {
      this.#reservedTo = laterSequence(this.#last, BLOCK - 1);
      this.#reserve(this.#reservedTo);
    }
    return this.#last;
  }

  /** From now on numbers are used only after `reserve` was called with them or a later one; null: as they come. */
  reserveBy(reserve: ((upTo: number) => void) | null): void {
    this.#reserve = reserve;
  }

  /** Goes on after this number, which somebody else may have used; nothing may be unanswered. */
  continueAfter(sequence: number): void {
    this.#last = sequence;
    this.#reservedTo = sequence;
  }

  /** False, and nothing kept, when full. */
  push(tag: Tag, build: (sequence: number) => MobilityMessage): boolean {
    if (this.isFull) return false;
    this.#waiting.push({ tag, build });
    return true;
  }

  /** Before all that waits; beyond the capacity, for the one message that the others wait for. */
  pushFirst(tag: Tag, build: (sequence: number) => MobilityMessage): void {
    this.#waiting.unshift({ tag, build });
  }

  /** What the window lets out now, of what waits and `admits`. */
  release(nowMs: number, admits: (tag: Tag) => boolean = () => true): MobilityMessage[] {
    const released: MobilityMessage[] = [];
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || !admits(next.tag) || !this.#hasRoom()) return released;
      this.#waiting.shift();
      const sequence = this.allocate();
      const message = next.build(sequence);
      this.#sent.set(sequence, { tag: next.tag, message, sentAtMs: nowMs });
      released.push(message);
    }
  }

  /** Everything unanswered, with its old number, for a new connection. */
  resend(nowMs: number): MobilityMessage[] {
    return [...this.#sent.values()].map((sent) => {
      sent.sentAtMs = nowMs;
      return sent.message;
    });
  }

  /** The unanswered message of this number; it stays unanswered. */
  find(sequence: number): { readonly tag: Tag; readonly message: MobilityMessage } | undefined {
    return this.#sent.get(sequence);
  }

  answered(sequence: number): void {
    this.#sent.delete(sequence);
  }

  /** When the message that was sent first ran or runs out of time; undefined when nothing is unanswered. */
  deadline(ackTimeoutMs: number): number | undefined {
    const [first] = this.#sent.values();
    return first === undefined ? undefined : first.sentAtMs + ackTimeoutMs;
  }

  /** Gives up what waits and was never sent; tags in order. */
  dropWaiting(): Tag[] {
    return this.#waiting.splice(0).map(({ tag }) => tag);
  }

  /** Gives up what was sent; tags in order. */
  dropSent(): Tag[] {
    const tags = [...this.#sent.values()].map(({ tag }) => tag);
    this.#sent.clear();
    return tags;
  }

  /** Starts the numbers anew, for a receiver that remembers none; nothing may be unanswered. */
  restart(): void {
    this.continueAfter(0);
  }

  #hasRoom(): boolean {
    const [oldest] = this.#sent.keys();
    return oldest === undefined || sequenceDistance(oldest, this.#last) < UNANSWERED_MAX - 1;
  }
}
