// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import {
  type ConntrackEntry,
  type ConntrackFailure,
  type InsertOptions,
  IPS_FIXED_TIMEOUT,
} from '@vnfpool/platform/conntrack';
import { WireError } from '@vnfpool/wire/bytes';
import {
  type FlowEntry,
  type FlowKey,
  isSharedExpectationKey,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowParts,
} from '@vnfpool/wire/flow-state';
import { type FlowInsertCounts, insertFlows, partsOf } from '../flow-transfer/insert.ts';
import { type FlowCommitTable, flowOf } from './commit.ts';
import { commitExpectations } from './commit-expectations.ts';
import type { SharedFlowFilter } from './flow-kernel.ts';
import { KeptTable, type KnownTable, type TableWatch } from './kept-table.ts';
import { PlainBatch } from './plain-batch.ts';

/** The table is compared with the copy so often, and times are renewed. */
const COMPARE_MS = 60_000;
/** Flows are put in with so much time at least. Two comparings later enough is left for who takes over, who wants 300. */
const TIMEOUT_SECONDS = 600;
/** With less than this a flow's time is renewed: it would be short of 300 s before the next comparing. */
const RENEW_BELOW_SECONDS = 420;
/** Listed, or put in, before others get their turn: some 5 ms. */
const ENTRIES_A_TURN = 2000;

/** A table that follows a copy: a `Conntrack`. */
export interface KernelCopyTable extends FlowCommitTable {
  renew(keys: readonly FlowKey[], timeoutSeconds: number): ConntrackFailure[];
}

/** The copy of a standby. */
export interface CopyContents {
  get(key: string): Uint8Array | undefined;
  entries(): Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface KernelCopyOptions {
  readonly table: KernelCopyTable;
  readonly contents: CopyContents;
  /** What of the table it is about, asked for at each comparing. */
  readonly filter: () => SharedFlowFilter;
  /** Nothing is done before: whoever kept another copy in the same table has to be done with it. */
  readonly after?: Promise<void> | undefined;
  /** Keys of flows that this kernel has from the time when its node held the slot. */
  readonly left?: Iterable<string>;
  /** Tells what others change in the table, and nothing that is done by `table`; absent: who takes over lists it. */
  readonly watch?: TableWatch;
  /** The kernel takes so many of the copy not, and why the first of them; 0: it has them all again. */
  readonly onRefused: (flows: number, code: string) => void;
  readonly onFault: (error: Error) => void;
}

/** A flow, as it came. */
interface FlowOfKey {
  readonly key: string;
  readonly value: Uint8Array;
  readonly flow: FlowEntry;
}

/**
 * Keeps a standby's copy in the kernel too, so that who takes over has little to put in. It renews what would run out, as no traffic does,
 * and takes out what the holder gave up. Flows that it did not put in it leaves alone; who takes over decides on them. What the kernel
 * refuses it tries again at each comparing.
 */
export class KernelCopy {
  readonly #options: KernelCopyOptions;
  readonly #kept: KeptTable;
  readonly #dirty = new Set<string>();
  readonly #expectations = new Set<string>();
  readonly #refused = new Map<string, string>();
  readonly #comparing: NodeJS.Timeout;
  #toldRefused = 0;
  #mustCompare = true;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: KernelCopyOptions) {
    this.#options = options;
    this.#kept = keptTable(options);
    this.#comparing = setInterval(() => {
      // Late: times may have run short.
      if (this.#mustCompare) this.#kept.doubt();
      this.changed(null);
    }, COMPARE_MS).unref();
    this.changed(null);
  }

  /** Keys of flows that are in the kernel by it. */
  get keys(): Iterable<string> {
    return this.#kept.keys;
  }

  /** What is known of the table, once it has stopped; null: it has to be listed. */
  known(filter: SharedFlowFilter): KnownTable | null {
    return this.#kept.known(filter);
  }

  get contents(): CopyContents {
    return this.#options.contents;
  }

  /** These keys have another value, or none, from now on; null: any may have. */
  changed(keys: Iterable<string> | null): void {
    if (this.#isStopped) return;
    if (keys === null) this.#mustCompare = true;
    else for (const key of keys) this.#dirty.add(key);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when the kernel has what the copy has by now. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Changes the table no more: what is in it stays. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#comparing);
    await this.settled();
    this.#kept.end();
  }

  /** Stops, and takes out what it put in, expectations with their masters. */
  async remove(): Promise<void> {
    await this.stop();
    for (const part of partsOf([...this.#kept.keys])) {
      this.#options.table.remove(part.map(readSharedFlowKey));
      for (const key of part) this.#kept.removed(key);
      await turn();
    }
  }

  async #run(): Promise<void> {
    // What else changes in this turn goes with it.
    await turn();
    await this.#options.after;
    try {
      while (!this.#isStopped && (this.#mustCompare || this.#dirty.size > 0)) {
        if (this.#mustCompare) await this.#compare();
        else await this.#apply([...this.#dirty].slice(0, ENTRIES_A_TURN));
        this.#tellRefused();
      }
    } catch (error) {
      this.#options.onFault(error as Error);
    }
  }

  async #compare(): Promise<void> {
    const { table, contents, filter } = this.#options;
    this.#mustCompare = false;
    this.#dirty.clear();
    this.#expectations.clear();
    this.#refused.clear();
    const wanted = new Map<string, Uint8Array>();
    for (const [key, value] of contents.entries()) {
      if (isSharedExpectationKey(key)) this.#expectations.add(key);
      else wanted.set(key, value);
    }
    const leaving = new Set(this.#kept.keys);
    for (const key of wanted.keys()) leaving.delete(key);
    const short: FlowKey[] = [];
    let listed = 0;
    const wants = filter();
    this.#kept.beginListing(wants);
    for (const piece of table.dump(wants)) {
      for (const entry of piece) {
        const key = sharedFlowKey(entry);
        const value = wanted.get(key);
        if (value === undefined || !isSame(entry, value)) {
          this.#kept.other(key);
          continue;
        }
        wanted.delete(key);
        this.#kept.same(key, value);
        if (isShort(entry)) short.push(entry);
      }
      listed += piece.length;
      if (listed < ENTRIES_A_TURN) continue;
      listed = 0;
      await turn();
      // The rest of the listing is not read.
      if (this.#isStopped) return;
    }
    this.#kept.endListing();
    for (const part of partsOf(short)) table.renew(part, TIMEOUT_SECONDS);
    // What changes meanwhile is as it is by then: keys are looked at again, values are not kept.
    const keys = [...leaving, ...wanted.keys()];
    for (let at = 0; at < keys.length && !this.#isStopped; at += ENTRIES_A_TURN)
      await this.#apply(keys.slice(at, at + ENTRIES_A_TURN), at + ENTRIES_A_TURN < keys.length);
    if (keys.length === 0) this.#expect();
  }

  /** @param isMore more follow at once: what is expected waits for them, as their masters may be among them */
  async #apply(keys: readonly string[], isMore = false): Promise<void> {
    const { table, contents, filter } = this.#options;
    const gone: string[] = [];
    const flows: FlowOfKey[] = [];
    const children: FlowOfKey[] = [];
    let isExpecting = false;
    const wants = filter();
    const plain = new PlainBatch(table, wants, TIMEOUT_SECONDS, keys.length);
    const takeWhole = (key: string, value: Uint8Array | undefined): void => {
      const flow = value === undefined ? null : flowOf(key, value, wants);
      if (flow === null || value === undefined) gone.push(key);
      else (flow.master === null ? flows : children).push({ key, value, flow });
    };
    for (const key of keys) {
      this.#dirty.delete(key);
      const value = contents.get(key);
      if (isSharedExpectationKey(key)) {
        isExpecting = true;
        if (value !== undefined) this.#expectations.add(key);
        else this.#expectations.delete(key);
        continue;
      }
      // What is there already would be refused.
      if (value === undefined || this.#kept.isKept(key) || !plain.add([key, value])) takeWhole(key, value);
    }
    // One that the holder gave up is no more, whoever put it in.
    table.remove(gone.flatMap((key) => keyOf(key) ?? []));
    for (const key of gone) {
      this.#kept.removed(key);
      this.#refused.delete(key);
    }
    const { taken, refused } = plain.insert();
    for (const [key, value] of taken) this.#took(key, value);
    for (const entry of refused) takeWhole(...entry);
    for (const part of [flows, children]) this.#insert(part);
    // What was replaced took with it what it had announced.
    if ((isExpecting || this.#expectations.size > 0) && !isMore) this.#expect();
    await turn();
  }

  #insert(flows: readonly FlowOfKey[]): void {
    if (flows.length === 0) return;
    const options: InsertOptions = { ifExists: 'replace', timeoutSecondsMin: TIMEOUT_SECONDS };
    const counts: FlowInsertCounts = { flows: 0, weakened: 0, refusedTotal: 0, refused: [] };
    const entries = flows.map(({ flow }) => flow);
    const refused = insertFlows(this.#options.table, entries, options, counts);
    for (const [place, { key, value, flow }] of flows.entries()) {
      // Some of those may be weaker than they were.
      const isSure = counts.weakened === 0 || (flow.helper === null && flow.master === null);
      if (!refused.has(place)) this.#took(key, isSure ? value : null);
      else {
        this.#kept.refused(key);
        this.#refused.set(key, counts.refused[0]?.code ?? '');
      }
    }
  }

  #took(key: string, value: Uint8Array | null): void {
    this.#kept.put(key, value);
    this.#refused.delete(key);
  }

  #expect(): void {
    const { table, contents, filter } = this.#options;
    const entries = new Map<string, Uint8Array>();
    for (const key of this.#expectations) {
      const value = contents.get(key);
      if (value !== undefined) entries.set(key, value);
    }
    const counts = { expected: 0, orphaned: 0, notExpected: 0, notExpectedCode: '' };
    commitExpectations(table, entries, () => this.#kept.keys, filter(), counts);
  }

  #tellRefused(): void {
    const { size } = this.#refused;
    // Told when it begins, and when it ends: the count in between is of no use to anybody.
    if (size > 0 === this.#toldRefused > 0) return;
    this.#toldRefused = size;
    this.#options.onRefused(size, this.#refused.values().next().value ?? '');
  }
}

/** Without the watch, where that fails: who takes over lists the table then. */
function keptTable({ watch, left = [], onFault }: KernelCopyOptions): KeptTable {
  try {
    return new KeptTable(watch, left);
  } catch (error) {
    onFault(error as Error);
    return new KeptTable(undefined, left);
  }
}

function isSame(entry: ConntrackEntry, value: Uint8Array): boolean {
  try {
    return sharedFlowParts(value).body === sharedFlowBody(entry);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function isShort({ status, timeoutSeconds }: ConntrackEntry): boolean {
  return timeoutSeconds < RENEW_BELOW_SECONDS && (status & IPS_FIXED_TIMEOUT) === 0;
}

/** Null: a key of another kind, of which the kernel has nothing. */
function keyOf(key: string): FlowKey | null {
  try {
    return readSharedFlowKey(key);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
