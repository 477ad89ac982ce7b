// SPDX-License-Identifier: Apache-2.0
import {
  type ReplicaAck,
  type ReplicaAt,
  type ReplicaMark,
  type ReplicaMessage,
  type ReplicaUpdate,
  updateWeight,
} from '@vnfpool/wire/replication';
import { isOnWay, type ReplicaHistory } from './history.ts';
import { SentMarks } from './sent-marks.ts';
import type { StandbyAccount } from './standby-account.ts';
import type { ReplicaStore, StoreCursor } from './store.ts';

/** Marks that may wait for their acknowledgement; until then no more of them are sent. */
export const MARKS_UNDER_WAY_MAX = 4_096;

export interface StandbyLinkInit {
  /** What is counted of this standby over all its connections. */
  readonly account: StandbyAccount;
  readonly epoch: number;
  /** Weight of the updates in one message, but for the last of them. */
  readonly batchBytes: number;
}

/** One connection to a standby: what was sent on it, and what came back. */
export class StandbyLink {
  /** Of the last acknowledged mark; undefined: nothing under this epoch yet. */
  acked: number | undefined;
  lastHeardMs: number;
  lastMarkMs: number;
  roundTripMs: number | null = null;
  isSilent = false;
  isEndTold = false;
  /** Why nothing is sent though there would be room: a pause before it is filled anew, or what is next is damaged here. */
  heldBy: 'pause' | 'damage' | null = null;
  /** When that began, and when it was so last. */
  heldSinceMs = 0;
  #heldAtMs = 0;
  /** As it was said last, and whether it was only just. */
  #resume: ReplicaMessage | undefined;
  #isResumeNew = false;
  readonly #store: ReplicaStore;
  readonly #account: StandbyAccount;
  readonly #epoch: number;
  readonly #batchBytes: number;
  readonly #marks = new SentMarks();
  #cursor: StoreCursor | undefined;
  /** Removals that it needs to be told are those behind this. */
  #knows = 0;
  #window = 0;
  #sent = 0;
  #confirmed = 0;
  /** Of the last mark; -1: none since it begins. */
  #marked = -1;
  #markedUs = 0;
  /** Marks up to this one were sent before it began anew. */
  #voidUs = 0;
  /** Of the last one that came back. */
  #reachedUs = 0;

  constructor(store: ReplicaStore, { account, epoch, batchBytes }: StandbyLinkInit, nowMs: number) {
    this.#store = store;
    this.#account = account;
    this.#epoch = epoch;
    this.#batchBytes = batchBytes;
    this.lastHeardMs = nowMs;
    this.lastMarkMs = nowMs;
  }

  /** Whether it has answered where it is. */
  get isFollowing(): boolean {
    return this.#cursor !== undefined;
  }

  get #isAllSent(): boolean {
    return this.#cursor?.isAtEnd === true && this.#marked === this.#store.sequence;
  }

  /** All was sent, and not yet that this was the last of it. */
  get isEndDue(): boolean {
    return this.#isAllSent && !this.isEndTold;
  }

  /** Weight of what it has not confirmed. */
  get bytesUnderWay(): number {
    return this.#sent - this.#confirmed;
  }

  /** Since when it has owed an answer: to who gets nothing there is nothing to answer. */
  get unheardSinceMs(): number {
    return Math.max(this.lastHeardMs, this.#heldAtMs);
  }

  /** Since when it has owed an answer, or an acknowledgement of the first mark that was sent; both are to come. */
  get owesSinceMs(): number {
    return Math.min(this.unheardSinceMs, this.#marks.awaitedSinceMs ?? Number.POSITIVE_INFINITY);
  }

  /** It says where it is: what it needs is sent from there on. */
  begin({ epoch, sequence, windowBytes }: ReplicaAt, history: ReplicaHistory): ReplicaMessage {
    const { floor, sequence: last } = this.#store;
    const isWithin = floor <= sequence && sequence <= last;
    const isKnown = epoch > 0 && isWithin && isOnWay(history, { epoch, sequence });
    // One message may always be under way.
    this.#window = Math.max(windowBytes, 1);
    return this.#from(isKnown ? sequence : 'whole');
  }

  /** Everything anew. */
  restart(): ReplicaMessage {
    this.acked = undefined;
    return this.#from('whole');
  }

  #from(from: number | 'whole'): ReplicaMessage {
    if (from === 'whole') this.#account.fills++;
    this.#cursor?.close();
    this.#cursor = this.#store.cursor(from === 'whole' ? 0 : from);
    this.#knows = from === 'whole' ? this.#store.sequence : from;
    this.#marked = -1;
    this.#voidUs = this.#markedUs;
    this.#marks.forgetAll();
    this.isEndTold = false;
    this.#isResumeNew = true;
    this.#resume = { type: 'resume', from };
    return this.#resume;
  }

  /** Takes an acknowledgement; what is wrong with it, or null. */
  acknowledge({ sequence, bytes, clockUs }: ReplicaAck, nowMs: number): string | null {
    if (bytes > this.#sent || bytes < this.#confirmed || clockUs > this.#markedUs)
      return 'it acknowledges what was not sent';
    if (clockUs > this.#voidUs) {
      const mark = this.#marks.acknowledge(clockUs);
      if (mark?.sequence !== sequence) return 'it acknowledges what was not sent';
      if (bytes < mark.sent) return 'it lacks octets that were sent before its mark';
      this.acked = sequence;
    } else if (this.acked !== undefined) return 'it has forgotten which mark it had';
    this.#confirmed = bytes;
    if (clockUs === 0) return null;
    if (clockUs > Math.max(this.#voidUs, this.#reachedUs)) this.#account.agree(nowMs);
    this.#reachedUs = Math.max(this.#reachedUs, clockUs);
    this.roundTripMs = Math.max(0, nowMs - clockUs / 1000);
    return null;
  }

  /** What may be sent now: updates as far as the window reaches, and a mark where all of them are out. */
  *due(nowMs: number, isMarkDue: boolean): Generator<ReplicaMessage, void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    if (nowMs < this.#account.filledAtMs) {
      this.#hold('pause', nowMs);
      // A sign of life, to which nothing is to be answered.
      if (isMarkDue && !this.#isResumeNew && this.#resume !== undefined) yield this.#resume;
      if (isMarkDue) this.#isResumeNew = false;
      return;
    }
    // A removal was forgotten before it was told.
    if (this.#store.floor > Math.max(this.#knows, cursor.sequence)) yield this.restart();
    const reader = this.#cursor as StoreCursor;
    while (!reader.isAtEnd && this.bytesUnderWay < this.#window) {
      const updates = this.#read(reader);
      if (updates.length === 0) break;
      const isMarked = reader.isAtEnd && this.#mayMark;
      yield { type: 'updates', updates, mark: isMarked ? this.#mark(nowMs) : null };
    }
    this.#hold(!reader.isAtEnd && this.bytesUnderWay < this.#window ? 'damage' : null, nowMs);
    if (reader.isAtEnd && this.#mayMark && (isMarkDue || this.#marked < this.#store.sequence))
      yield { type: 'updates', updates: [], mark: this.#mark(nowMs) };
  }

  #hold(heldBy: 'pause' | 'damage' | null, nowMs: number): void {
    if (heldBy !== this.heldBy) this.heldSinceMs = nowMs;
    if (heldBy !== null) this.#heldAtMs = nowMs;
    this.heldBy = heldBy;
  }

  get #mayMark(): boolean {
    return this.#marks.underWay < MARKS_UNDER_WAY_MAX;
  }

  #read(cursor: StoreCursor): ReplicaUpdate[] {
    const updates: ReplicaUpdate[] = [];
    let weight = 0;
    while (weight < this.#batchBytes) {
      const next = cursor.next();
      if (next === undefined) break;
      const { sequence, key, value, secret } = next;
      const update = { sequence, key, value, ...(secret && { secret }) };
      updates.push(update);
      weight += updateWeight(update);
    }
    this.#sent += weight;
    this.#account.bytesSent += weight;
    this.#account.updatesSent += updates.length;
    return updates;
  }

  #mark(nowMs: number): ReplicaMark {
    const { sequence, keys } = this.#store;
    const digest = this.#store.digestAt(this.#epoch);
    this.#marked = sequence;
    this.lastMarkMs = nowMs;
    const clockUs = Math.max(this.#markedUs + 1, Math.round(nowMs * 1000));
    this.#markedUs = clockUs;
    this.#marks.add({ sequence, clockUs, sent: this.#sent });
    return { sequence, keys, digest, clockUs };
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }
}
