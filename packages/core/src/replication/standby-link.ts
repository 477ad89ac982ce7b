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
import type { StandbyAccount } from './standby-account.ts';
import type { ReplicaStore, StoreCursor } from './store.ts';

/** One connection to a standby: what was sent on it, and what came back. */
export class StandbyLink {
  /** Of the last acknowledged mark; undefined: nothing under this epoch yet. */
  acked: number | undefined;
  lastHeardMs: number;
  lastMarkMs: number;
  roundTripMs: number | null = null;
  isSilent = false;
  isEndTold = false;
  readonly #store: ReplicaStore;
  readonly #account: StandbyAccount;
  readonly #batchBytes: number;
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

  /** `batchBytes`: weight of the updates in one message, but for the last of them. */
  constructor(store: ReplicaStore, account: StandbyAccount, batchBytes: number, nowMs: number) {
    this.#store = store;
    this.#account = account;
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

  /** It says where it is: what it needs is sent from there on. */
  begin({ epoch, sequence, windowBytes }: ReplicaAt, history: ReplicaHistory): ReplicaMessage {
    const isKnown = epoch > 0 && isOnWay(history, { epoch, sequence }) && sequence >= this.#store.floor;
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
    return { type: 'resume', from };
  }

  /** Takes an acknowledgement; false if it is none of what was sent. */
  acknowledge({ sequence, bytes, clockUs }: ReplicaAck, nowMs: number): boolean {
    if (bytes > this.#sent || bytes < this.#confirmed || clockUs > this.#markedUs) return false;
    this.#confirmed = bytes;
    if (clockUs === 0) return true;
    if (sequence > this.#store.sequence) return false;
    if (clockUs > this.#voidUs) this.acked = Math.max(sequence, this.acked ?? 0);
    if (clockUs > Math.max(this.#voidUs, this.#reachedUs)) this.#account.agree(nowMs);
    this.#reachedUs = Math.max(this.#reachedUs, clockUs);
    this.roundTripMs = Math.max(0, nowMs - clockUs / 1000);
    return true;
  }

  /** What may be sent now: updates as far as the window reaches, and a mark where all of them are out. */
  *due(nowMs: number, isMarkDue: boolean): Generator<ReplicaMessage, void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    // A removal was forgotten before it was told.
    if (this.#store.floor > Math.max(this.#knows, cursor.sequence)) yield this.restart();
    const reader = this.#cursor as StoreCursor;
    while (!reader.isAtEnd && this.bytesUnderWay < this.#window) {
      const updates = this.#read(reader);
      yield { type: 'updates', updates, mark: reader.isAtEnd ? this.#mark(nowMs) : null };
    }
    if (reader.isAtEnd && (isMarkDue || this.#marked < this.#store.sequence))
      yield { type: 'updates', updates: [], mark: this.#mark(nowMs) };
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
    const { sequence, keys, digest } = this.#store;
    this.#marked = sequence;
    this.lastMarkMs = nowMs;
    this.#markedUs = Math.max(this.#markedUs + 1, Math.round(nowMs * 1000));
    return { sequence, keys, digest, clockUs: this.#markedUs };
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
  }
}
