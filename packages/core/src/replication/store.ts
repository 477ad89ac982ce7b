// SPDX-License-Identifier: Apache-2.0
import { type ReplicaSecret, UPDATE_HEAD_BYTES, updateWeight } from '@vnfpool/wire/replication';
import { digestOf, EntryHash } from './entry-hash.ts';

/** Keys that are looked at to say what somebody lacks. */
const WEIGHED_MAX = 65_536;

/** What a key was last. */
export interface StoredUpdate {
  readonly key: string;
  /** Null: it was removed. */
  readonly value: Uint8Array | null;
  readonly sequence: number;
  /** Undefined: nothing of it is secret. */
  readonly secret: ReplicaSecret | undefined;
}

interface Entry {
  readonly key: string;
  value: Uint8Array | null;
  sequence: number;
  secret: ReplicaSecret | undefined;
  /** Of key and value as they were taken; 0 for one that was removed. */
  high: number;
  low: number;
  former: Entry;
  next: Entry;
}

export interface StoreBounds {
  /** Keys; default 1,048,576. */
  readonly keysMax?: number;
  /** Octets of keys and values; default 256 MiB. */
  readonly bytesMax?: number;
  /**
   * Removed keys that are remembered however few keys there are; default 16,384. More are, up to as many as there are keys: who is further behind
   * than the oldest gets everything anew, which is then no more than what he missed.
   */
  readonly removedLeast?: number;
}

/** Keys that both ends look at again a second, for damage in memory. */
export const SCRUB_KEYS = 4_096;
export const SCRUB_EVERY_MS = 1_000;
const KEYS_MAX = 2 ** 20;
const BYTES_MAX = 2 ** 28;
const REMOVED_LEAST = 2 ** 14;
const NOTHING = new Uint8Array();

/**
 * The state of a slot by keys, in the order in which they were changed last. Whoever has it up to some update gets what
 * changed since by reading on from there, each key once, however often it changed: nothing waits in a queue of its
 * own, and nobody who is slow costs memory. Both ends have one, since a standby may become the holder.
 */
export class ReplicaStore {
  readonly #entries = new Map<string, Entry>();
  /** Those of them that were removed, the oldest removal first. */
  readonly #removed = new Map<string, Entry>();
  /** Before the first and behind the last. */
  readonly #end: Entry;
  readonly #cursors = new Set<StoreCursor>();
  readonly #damaged = new Set<string>();
  #damagesFound = 0;
  readonly #hash = new EntryHash();
  readonly #bounds: Required<StoreBounds>;
  #sequence: number;
  #bytes = 0;
  #high = 0;
  #low = 0;
  #floor: number;
  /** Where {@link scrub} goes on. */
  #scrubbed: Entry;

  /** `sequence`: what it continues; of removals before that it knows nothing. */
  constructor(bounds: StoreBounds = {}, sequence = 0) {
    const { keysMax = KEYS_MAX, bytesMax = BYTES_MAX, removedLeast = REMOVED_LEAST } = bounds;
    this.#bounds = { keysMax, bytesMax, removedLeast };
    this.#sequence = sequence;
    this.#floor = sequence;
    const end = { key: '', value: null, sequence: 0, secret: undefined, high: 0, low: 0 } as Entry;
    end.former = end;
    end.next = end;
    this.#end = end;
    this.#scrubbed = end;
  }

  /** Of the last update. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Keys that have a value. */
  get keys(): number {
    return this.#entries.size - this.#removed.size;
  }

  /** Octets of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of all the state, as updates. */
  get weight(): number {
    return this.#bytes + UPDATE_HEAD_BYTES * this.keys;
  }

  /** Of the updates that bring somebody from `sequence` to now; with more than 65,536 of them, of all the state. */
  weightBehind(sequence: number): number {
    let weight = 0;
    let left = WEIGHED_MAX;
    for (
      let entry = this.#end.former;
      entry !== this.#end && entry.sequence > sequence;
      entry = entry.former
    ) {
      if (left === 0) return Math.max(weight, this.weight);
      left--;
      weight += updateWeight(entry);
    }
    return weight;
  }

  /** Of keys and values. */
  get digest(): bigint {
    return digestOf(this.#high, this.#low);
  }

  /** Of these as the state that the holder of this epoch had at the sequence of now: the same keys and values elsewhere have another. */
  digestAt(epoch: number): bigint {
    this.#hash.take(`${epoch}/${this.#sequence}`, NOTHING, 3);
    return digestOf(this.#high + this.#hash.high, this.#low + this.#hash.low);
  }

  /** Of removals up to this sequence not all are known any more. */
  get floor(): number {
    return this.#floor;
  }

  /** Keys whose value was found not to be what was taken, and that have not been changed since. */
  get damaged(): ReadonlySet<string> {
    return this.#damaged;
  }

  /** How many were found, ever. */
  get damagesFound(): number {
    return this.#damagesFound;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key)?.value ?? undefined;
  }

  /** Keys with values, the one that was changed longest ago first. */
  *[Symbol.iterator](): Generator<StoredUpdate, void> {
    for (let entry = this.#end.next; entry !== this.#end; entry = entry.next)
      if (entry.value !== null) yield entry;
  }

  /** Whether there is room for this update. */
  hasRoomFor(key: string, value: Uint8Array | null): boolean {
    if (value === null) return true;
    const entry = this.#entries.get(key);
    const known = entry?.value ?? undefined;
    const bytes = this.#bytes + value.length + (known === undefined ? key.length : -known.length);
    return bytes <= this.#bounds.bytesMax && (known !== undefined || this.keys < this.#bounds.keysMax);
  }

  /** The next update; the value is copied. Who asked for room before has it. */
  update(key: string, value: Uint8Array | null, secret?: ReplicaSecret): number {
    this.apply(key, value, this.#sequence + 1, secret);
    return this.#sequence;
  }

  /** As another one numbered it: above all before. */
  apply(key: string, value: Uint8Array | null, sequence: number, secret?: ReplicaSecret): void {
    this.#sequence = sequence;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, value: null, sequence, secret, high: 0, low: 0 } as Entry;
      this.#entries.set(key, entry);
    } else {
      this.#damaged.delete(key);
      this.#unlink(entry);
      if (entry.value === null) this.#removed.delete(key);
      else this.#bytes -= key.length + entry.value.length;
      this.#high = (this.#high - entry.high) | 0;
      this.#low = (this.#low - entry.low) | 0;
    }
    // Not `slice`, which of Node's buffers is no copy.
    entry.value = value === null ? null : new Uint8Array(value);
    entry.sequence = sequence;
    entry.secret = secret;
    this.#link(entry);
    if (value === null) {
      entry.high = 0;
      entry.low = 0;
      this.#removed.set(key, entry);
      this.#forgetRemovals();
      return;
    }
    this.#bytes += key.length + value.length;
    this.#hash.take(key, value, placeOf(secret));
    entry.high = this.#hash.high;
    entry.low = this.#hash.low;
    this.#high = (this.#high + entry.high) | 0;
    this.#low = (this.#low + entry.low) | 0;
  }

  /** All up to `sequence` is here, whatever the last update was; of removals before nothing may be known. */
  completeTo(sequence: number, floor: number = this.#floor): void {
    this.#sequence = sequence;
    this.#floor = floor;
  }

  /** Reads on behind `sequence`. To be closed by whoever does not need it any more. */
  cursor(sequence: number): StoreCursor {
    let entry = this.#end.former;
    while (entry !== this.#end && entry.sequence > sequence) entry = entry.former;
    const cursor: StoreCursor = new StoreCursor(entry, sequence, this.#end, {
      isSound: (next) => this.#look(next),
      close: () => this.#cursors.delete(cursor),
    });
    this.#cursors.add(cursor);
    return cursor;
  }

  /** Whether the value of this key is what was taken; that it is not is remembered. */
  isSound(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry === undefined || this.#look(entry);
  }

  /** Looks at the next `count` keys, whether their values are what was taken: see `damaged`. */
  scrub(count: number): void {
    let entry = this.#scrubbed;
    for (let left = Math.min(count, this.#entries.size); left > 0; left--) {
      entry = entry.next === this.#end ? this.#end.next : entry.next;
      this.#look(entry);
    }
    this.#scrubbed = entry;
  }

  #look({ key, value, secret, high, low }: Entry): boolean {
    if (value === null) return true;
    this.#hash.take(key, value, placeOf(secret));
    const isSound = this.#hash.high === high && this.#hash.low === low;
    if (isSound) this.#damaged.delete(key);
    else if (!this.#damaged.has(key)) {
      this.#damaged.add(key);
      this.#damagesFound++;
    }
    return isSound;
  }

  #forgetRemovals(): void {
    const most = Math.max(this.keys, this.#bounds.removedLeast);
    for (const [key, entry] of this.#removed) {
      if (this.#removed.size <= most) return;
      this.#floor = Math.max(this.#floor, entry.sequence);
      this.#removed.delete(key);
      this.#entries.delete(key);
      this.#unlink(entry);
    }
  }

  #link(entry: Entry): void {
    const end = this.#end;
    entry.former = end.former;
    entry.next = end;
    end.former.next = entry;
    end.former = entry;
  }

  #unlink(entry: Entry): void {
    for (const cursor of this.#cursors) cursor.leave(entry);
    if (this.#scrubbed === entry) this.#scrubbed = entry.former;
    entry.former.next = entry.next;
    entry.next.former = entry.former;
  }
}

/** What the digest has of it. */
function placeOf(secret: ReplicaSecret | undefined): 0 | 1 | 2 {
  if (secret === undefined) return 0;
  return secret === 'value' ? 1 : 2;
}

interface CursorEnds {
  readonly isSound: (next: Entry) => boolean;
  readonly close: () => void;
}

/** A place in a store, between what was read and what was changed since. */
export class StoreCursor {
  /** Of the last update that was read. */
  sequence: number;
  readonly #end: Entry;
  readonly #ends: CursorEnds;
  #at: Entry;

  constructor(at: Entry, sequence: number, end: Entry, ends: CursorEnds) {
    this.#at = at;
    this.sequence = sequence;
    this.#end = end;
    this.#ends = ends;
  }

  /** Undefined: all was read, or the next value is damaged: it goes to nobody, and nothing behind it before it was changed. */
  next(): StoredUpdate | undefined {
    const { next } = this.#at;
    if (next === this.#end || !this.#ends.isSound(next)) return undefined;
    this.#at = next;
    this.sequence = next.sequence;
    return next;
  }

  get isAtEnd(): boolean {
    return this.#at.next === this.#end;
  }

  close(): void {
    this.#ends.close();
  }

  /** The store's own: an entry goes elsewhere. */
  leave(entry: Entry): void {
    if (this.#at === entry) this.#at = entry.former;
  }
}
