// SPDX-License-Identifier: Apache-2.0
import {
  type ConntrackEntry,
  type ConntrackEvents,
  type ConntrackListener,
  isWanted,
} from '@vnfpool/platform/conntrack';
import { WireError } from '@vnfpool/wire/bytes';
import { sharedFlowKey } from '@vnfpool/wire/flow-state';
import type { SharedFlowFilter } from './flow-kernel.ts';

/** What is known of a table without listing it. */
export interface KnownTable {
  /** Keys of what is there and is in no copy, or is otherwise than it says; some of them may be gone. */
  readonly others: Iterable<string>;
  /** The table has what this value says, with time enough left to be used. */
  has(key: string, value: Uint8Array): boolean;
}

/** Tells of changes of the table that others made: traffic, time, other programs. */
export type TableWatch = (listener: ConntrackListener) => ConntrackEvents;

/**
 * What a kernel has of a copy, and what else, from a listing and from what was told since. Where that may have gaps, it says so, and the
 * table has to be listed: before the first listing and amid one, where events were lost, or where what it found there may end without an
 * event. When in doubt a flow counts as missing, and is put in once more.
 */
export class KeptTable {
  /** What is in it by us, or was found there, and its value; null: with whatever value. */
  readonly #kept: Map<string, Uint8Array | null>;
  /** Within the filter. */
  readonly #others = new Set<string>();
  readonly #events: ConntrackEvents | null;
  /** As of the listing that counts; null: there is none. */
  #filter: SharedFlowFilter | null = null;
  #listing: SharedFlowFilter | null = null;
  /** It has what may end without an event. */
  #isSilent = false;

  /** @param left keys of what is in the table by this node */
  constructor(watch: TableWatch | undefined, left: Iterable<string>) {
    this.#kept = new Map(Array.from(left, (key) => [key, null]));
    this.#events =
      watch?.({
        events: (events) => {
          for (const { type, entry } of events) this.#changed(entry, type === 'destroy');
        },
        overrun: () => this.doubt(),
        failed: () => this.doubt(),
      }) ?? null;
  }

  /** Keys of what is in the table by us. */
  get keys(): Iterable<string> {
    return this.#kept.keys();
  }

  isKept(key: string): boolean {
    return this.#kept.has(key);
  }

  /** The whole table is listed from here on, until `endListing`: of each entry it is said which it is. */
  beginListing(filter: SharedFlowFilter): void {
    this.#filter = null;
    this.#listing = filter;
    this.#others.clear();
  }

  /** Listed, and as the value says. */
  same(key: string, value: Uint8Array): void {
    const isOurs = (this.#kept.get(key) ?? null) !== null;
    // It may be older than our listening: such a kernel does not tell of its end.
    if (!isOurs && this.#events?.includesOlder !== true) this.#isSilent = true;
    this.#kept.set(key, value);
  }

  /** Listed, and in no copy or otherwise. */
  other(key: string): void {
    this.#others.add(key);
  }

  endListing(): void {
    this.#filter = this.#listing;
    this.#listing = null;
  }

  /** What is known has gaps until it was listed again. */
  doubt(): void {
    this.#filter = null;
    this.#listing = null;
  }

  /** @param value null: it is there, but may not be all that its value says */
  put(key: string, value: Uint8Array | null): void {
    this.#kept.set(key, value);
    this.#others.delete(key);
  }

  removed(key: string): void {
    this.#kept.delete(key);
    this.#others.delete(key);
  }

  /** The kernel does not take it. */
  refused(key: string): void {
    this.#kept.delete(key);
  }

  /** Follows no more: what is known stays as it is. */
  end(): void {
    // What the kernel has told and was not read.
    this.#events?.flush();
    this.#events?.close();
  }

  /** What is known of the table within the filter; null: it has to be listed. */
  known(filter: SharedFlowFilter): KnownTable | null {
    if (this.#events === null || this.#isSilent || this.#filter === null) return null;
    if (JSON.stringify(filter) !== JSON.stringify(this.#filter)) return null;
    return {
      others: this.#others,
      has: (key, value) => {
        const kept = this.#kept.get(key);
        return kept !== undefined && kept !== null && isEqual(kept, value);
      },
    };
  }

  #changed(entry: ConntrackEntry, isGone: boolean): void {
    try {
      const key = sharedFlowKey(entry);
      // It stays among ours, to be taken out with them.
      if (this.#kept.has(key)) this.#kept.set(key, null);
      if (isGone) this.#others.delete(key);
      else if (isWanted(entry, this.#filter ?? this.#listing ?? {})) this.#others.add(key);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.doubt();
    }
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
