// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { Conntrack } from './conntrack.ts';
import type { ConntrackEntry, ConntrackKey } from './entry.ts';
import { type ConntrackEvents, subscribeConntrack } from './events.ts';
import type { ConntrackExpectation } from './expectation.ts';
import { type ConntrackFilter, isWanted } from './filter.ts';
import { keyOfText, keyText } from './key-text.ts';

/** Up to so many changed entries are read one by one, whatever the size of the table; one costs as much as listing five. */
const SINGLE_READS_MAX = 1000;
const SINGLE_READS_PART = 1 / 5;
/** Listed before others get their turn: some 5 ms. */
const ENTRIES_A_TURN = 2000;
/** The same of entries that are read one by one. */
const READS_A_TURN = 400;

/** What became of the table since the last time. */
export interface ConntrackChanges {
  /** New or changed entries, as they are now. */
  readonly changed: readonly ConntrackEntry[];
  /** Entries told of before that are not there any more. */
  readonly gone: readonly ConntrackKey[];
  /** The table was listed as a whole: `changed` holds unchanged ones, too. */
  readonly isWhole: boolean;
}

/** Options of a {@link ConntrackFollower}. */
export interface FollowerOptions {
  readonly filter?: ConntrackFilter;
  /** See `subscribeConntrack`. */
  readonly receiveBufferBytes?: number;
}

/**
 * Keeps somebody else's copy of the table up to date: `changes` says what to tell, the first time everything. Events
 * only mark entries, which are then read as they are; so what is told is always whole, and repeated changes of an entry
 * cost one message. Where events were lost, or do not tell of older entries, the table is listed anew.
 *
 * Made in the namespace of the calling thread. It remembers the key of each entry it told of: some 60 octets each, no
 * more than the kernel admits entries.
 */
export class ConntrackFollower {
  readonly #table: Conntrack;
  readonly #events: ConntrackEvents;
  readonly #filter: ConntrackFilter;
  #told = new Set<string>();
  readonly #marked = new Set<string>();
  #isOutOfDate = true;
  #overruns = 0;
  #failure: Error | undefined;

  constructor(options: FollowerOptions = {}) {
    this.#filter = options.filter ?? {};
    this.#table = new Conntrack();
    try {
      // A change of the mark may take an entry out of the filter: it is to be heard of, too.
      const { mark: _, ...others } = this.#filter;
      const { receiveBufferBytes } = options;
      this.#events = subscribeConntrack(
        {
          events: (events) => {
            for (const { entry } of events) this.#mark(entry);
          },
          overrun: () => {
            this.#overruns++;
            this.#isOutOfDate = true;
          },
          failed: (error) => {
            this.#failure = error;
          },
        },
        { filter: others, ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }) },
      );
    } catch (error) {
      this.#table.close();
      throw error;
    }
  }

  /** Entries known to have changed since the last time; more may wait in the kernel. */
  get pending(): number {
    return this.#marked.size;
  }

  /** Entries that are there, as far as it was told. */
  get size(): number {
    return this.#told.size;
  }

  /** How often the kernel dropped events. */
  get overruns(): number {
    return this.#overruns;
  }

  /** Whether each call of `changes` lists the whole table, as older entries do not tell of themselves. */
  get listsAlways(): boolean {
    return !this.#events.includesOlder;
  }

  /**
   * What to tell. Synchronous; some 15 µs an entry that changed, or 3 µs an entry of the whole table. Traffic that
   * only renews an entry's time is no change; whoever needs the times asks for the whole, or has the copy live longer
   * (`timeoutSecondsMin` of an insertion).
   * @param isWhole list the table in any case
   * @throws what ended the subscription, or refused the listing
   */
  changes(isWhole = false): ConntrackChanges {
    const steps = this.#steps(isWhole);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value;
  }

  /**
   * The same, but others get their turn now and then. One call at a time.
   * @throws as `changes`; the signal's reason
   */
  async changesInTurns(isWhole = false, signal?: AbortSignal): Promise<ConntrackChanges> {
    const steps = this.#steps(isWhole);
    try {
      let step = steps.next();
      while (step.done !== true) {
        await turn();
        signal?.throwIfAborted();
        step = steps.next();
      }
      return step.value;
    } finally {
      // Where it was given up, it ends the listing, so that something else can be asked.
      steps.return({ changed: [], gone: [], isWhole });
    }
  }

  /** Stops every few milliseconds. */
  *#steps(isWhole: boolean): Generator<void, ConntrackChanges> {
    this.#events.flush();
    if (this.#failure !== undefined) throw this.#failure;
    const readsMax = Math.max(SINGLE_READS_MAX, this.#told.size * SINGLE_READS_PART);
    const mustList = isWhole || this.#isOutOfDate || this.listsAlways || this.#marked.size > readsMax;
    let isComplete = false;
    try {
      const changes = yield* mustList ? this.#listAll() : this.#readMarked();
      isComplete = true;
      return changes;
    } finally {
      if (!isComplete) this.#isOutOfDate = true;
    }
  }

  *#readMarked(): Generator<void, ConntrackChanges> {
    const changed: ConntrackEntry[] = [];
    const gone: ConntrackKey[] = [];
    // What changes from here on belongs to the next time.
    const marked = [...this.#marked];
    this.#marked.clear();
    for (const [place, text] of marked.entries()) {
      if (place % READS_A_TURN === READS_A_TURN - 1) yield;
      const key = keyOfText(text);
      const entry = this.#table.find(key);
      if (entry !== undefined && isWanted(entry, this.#filter)) {
        changed.push(entry);
        this.#told.add(text);
      } else if (this.#told.delete(text)) {
        gone.push(key);
      }
    }
    return { changed, gone, isWhole: false };
  }

  /** Connections that are expected now, of masters that were told of. */
  expectations(): ConntrackExpectation[] {
    return this.#table
      .expectations()
      .filter(({ master, zone }) =>
        this.#told.has(keyText({ original: master, zone, zoneDirection: 'both' })),
      );
  }

  close(): void {
    this.#events.close();
    this.#table.close();
  }

  #mark(entry: ConntrackEntry): void {
    // All is listed anyhow: nothing to remember.
    if (!this.#isOutOfDate) this.#marked.add(keyText(entry));
  }

  *#listAll(): Generator<void, ConntrackChanges> {
    // Events from here on belong to the next time; those before are in the listing.
    this.#marked.clear();
    this.#isOutOfDate = false;
    const before = new Set(this.#told);
    const changed: ConntrackEntry[] = [];
    const told = new Set<string>();
    let listed = 0;
    for (const piece of this.#table.dump(this.#filter)) {
      for (const entry of piece) {
        const text = keyText(entry);
        // A listing may have an entry twice; the older one does no harm.
        if (told.has(text)) continue;
        told.add(text);
        before.delete(text);
        changed.push(entry);
      }
      listed += piece.length;
      if (listed < ENTRIES_A_TURN) continue;
      listed = 0;
      yield;
    }
    this.#told = told;
    return { changed, gone: Array.from(before, keyOfText), isWhole: true };
  }
}
