// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { KeyUpdate } from '@vnfpool/core/replication';
import { isPlatformError, type PlatformError } from '@vnfpool/platform';
import type {
  ConntrackEntry,
  ConntrackEvent,
  ConntrackEvents,
  ExpectationEvent,
} from '@vnfpool/platform/conntrack';
import { WireError } from '@vnfpool/wire/bytes';
import {
  type FlowExpectation,
  isSharedExpectationKey,
  readSharedFlowKey,
  sharedKeyInZone,
  sharedKeyWithoutZone,
} from '@vnfpool/wire/flow-state';
import { type Clock, systemClock } from '../driver/index.ts';
import { StateError } from '../replication/state-error.ts';
import { CanaryWatch } from './canary-watch.ts';
import type { FlowChoice } from './choice.ts';
import { ExpectationMirror, masterKey } from './expectation-mirror.ts';
import type { FlowKernel } from './flow-kernel.ts';
import { FlowMirror } from './flow-mirror.ts';
import { RANKS } from './rank.ts';

/** Told at once. */
const UPDATES_A_TIME = 4096;
/** Listed before others get their turn: some 5 ms. */
const ENTRIES_A_TURN = 2000;
/** Before what was refused for want of room is told again. */
const AGAIN_MS = 100;
/** Behind the first time that a master is looked up: by then the kernel has done what it was about to do. */
export const MASTER_AGAIN_MS = 100;
/** With nothing refused for so long there is room: at the brink single flows come and go. */
const ROOM_MS = 5_000;
/** A kernel that refused is asked again after the first time, then twice that, and so on: an answer that does not come holds up all else for 2 s. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 10_000;
/** In a silence, and after one: flows that were made in it never tell of themselves. */
const LIST_AGAIN_MS = 60_000;

export interface FlowUpdatesOptions {
  readonly kernel: FlowKernel;
  /** Default `begun`. */
  readonly choice?: FlowChoice;
  /** What the other side has already: it is told the difference. */
  readonly entries?: Iterable<readonly [key: string, value: Uint8Array]>;
  /**
   * After how long the table is listed first, ms; default at once. Where it was just made what `entries` say there is no hurry, and they are read
   * behind this turn of the loop, or when the kernel says something.
   */
  readonly listAfterMs?: number;
  /**
   * Takes updates. Until it settles nothing more is told, and what changes meanwhile is told as it is by then. Of updates that it
   * refuses with a `StateError` `full` or `overload` it is told again, but for those that its `taken` counts; with anything else it
   * is told nothing more.
   */
  readonly change: (updates: readonly KeyUpdate[]) => Promise<void>;
  /** The kernel dropped events, as we were too slow: the table is listed anew, and the difference told. */
  readonly onOverrun?: () => void;
  /** There is no room for so many changes, which are tried again and again; 0: there is, and all was told. Said when it begins and when it ends. */
  readonly onFull?: (untold: number) => void;
  /**
   * The kernel refuses a listing, a flow or the subscription: what changed may be missing until it does not (null). It is asked again by itself;
   * said when it begins and when it ends.
   */
  readonly onKernel?: (error: PlatformError | null) => void;
  /**
   * What is put into the kernel to be told of is not (see `CanaryWatch`): what changed is missing until it is. Said when it begins, and when it
   * ends, which is when the table was listed anew.
   */
  readonly onSilence?: (isSilent: boolean) => void;
  /** The kernel takes nothing of that sort, so that nobody would notice; null: it does again. */
  readonly onNoCanary?: (error: PlatformError | null) => void;
  /** Flows that cannot be told, of numbers that we do not know; or nothing can be told any more. */
  readonly onFault?: (error: Error) => void;
  readonly clock?: Clock;
}

/**
 * Keeps somebody else's copy of the kernel's flows up to date, by the contents of the kernel's events; nothing is read again but
 * the whole, where events were lost. Begins with a listing, whose difference to `entries` it tells.
 *
 * Made in the namespace whose table it is.
 */
export class FlowUpdates {
  readonly #options: FlowUpdatesOptions;
  readonly #mirror: FlowMirror;
  readonly #expected: ExpectationMirror;
  /** Flows that have announced others since they were looked up. */
  readonly #masters = new Set<string>();
  /** Were looked up, and are once more: what shifts them may have been stopped between the event and that. */
  readonly #onceMore = new Set<string>();
  #cancelOnceMore: (() => void) | null = null;
  /** What the other side has, and was not read yet. */
  #entries: Iterable<readonly [key: string, value: Uint8Array]>;
  #events: ConntrackEvents;
  /** The subscription has failed. */
  #isDeaf = false;
  /** Of listings: a later one takes the place of an earlier. */
  #listings = 0;
  #listing: Promise<void> = Promise.resolve();
  #telling: Promise<void> | null = null;
  #overruns = 0;
  /** When the last one was; null: none was. And whether all was listed since. */
  #overrunAtMs: number | null = null;
  #isMadeUp = true;
  #untellable = 0;
  /** It was said that expectations cannot be had, or not all of them. */
  #isLackSaid = false;
  /** Why nothing more is told. */
  #failure: Error | null = null;
  #isClosed = false;
  readonly #ending = new AbortController();
  /** What the kernel refused last, and has not given since; null: nothing. */
  #refusal: PlatformError | null = null;
  #retryMs = RETRY_MS;
  #retryAtMs = 0;
  /** The kernel has given everything that it had refused. */
  #wellAtMs = 0;
  #hasExpectations = false;
  /** A kernel that refuses is not waited for any more. */
  readonly #lasting = new AbortController();
  readonly #clock: Clock;
  readonly #canary: CanaryWatch;
  /** `heard`: it tells again, and what it did not tell is being listed. */
  #silence: 'silent' | 'heard' | null = null;
  #cancelAgain: () => void = () => {};
  #isFull = false;
  #cancelFirst: () => void = () => {};
  /** Null: no end of the lack of room is in sight. */
  #cancelRoom: (() => void) | null = null;

  /** @throws PlatformError of the subscription */
  constructor(options: FlowUpdatesOptions) {
    this.#options = options;
    this.#entries = options.entries ?? [];
    this.#clock = options.clock ?? systemClock();
    this.#expected = new ExpectationMirror((master) => this.#mirror.zoneOf(master));
    this.#mirror = new FlowMirror(options.choice ?? 'begun', (key) => {
      if (this.#expected.isWaiting && this.#expected.shares(sharedKeyWithoutZone(key)))
        this.#masters.add(key);
    });
    const { listAfterMs = 0 } = options;
    if (listAfterMs === 0) this.#readEntries();
    this.#events = this.#subscribe();
    this.#canary = new CanaryWatch({
      clock: this.#clock,
      sing: (number) => options.kernel.sing(number),
      isAsked: () => this.#refusal === null && !this.#isDeaf,
      flush: () => this.#events.flush(),
      onSilence: (isSilent) => this.#fellSilent(isSilent),
      onRefused: (error) => options.onNoCanary?.(error),
    });
    if (listAfterMs === 0) this.#listAnew();
    else {
      setImmediate(() => this.#readEntries());
      this.#cancelFirst = this.#clock.at(this.#clock.nowMs() + listAfterMs, () => this.#listFirst());
    }
  }

  /** Something is to be told, or to be looked up as it may be. */
  get #isBehind(): boolean {
    return this.#failure === null && (this.pending > 0 || this.#masters.size > 0);
  }

  /** What the other side has; once. */
  #readEntries(): void {
    const entries = this.#entries;
    this.#entries = [];
    for (const [key, value] of entries) this.#told(key, value);
  }

  #listFirst(): void {
    this.#readEntries();
    if (this.#listings === 0) this.#listAnew();
  }

  #subscribe(): ConntrackEvents {
    const { kernel, onOverrun } = this.#options;
    return kernel.subscribe({
      events: (events) => this.#heard(events, (event) => this.#mirror.event(event)),
      expectations: (events: readonly ExpectationEvent[]) =>
        this.#heard(events, (event) => {
          this.#expected.event(event);
          this.#doubt(event.expectation);
        }),
      canary: (number) => this.#canary.heard(number),
      overrun: () => {
        this.#canary.excuse();
        this.#overruns++;
        this.#overrunAtMs = this.#clock.nowMs();
        this.#isMadeUp = false;
        onOverrun?.();
        this.#listAnew();
      },
      failed: (error) => {
        this.#isDeaf = true;
        this.#stumble(error);
      },
    });
  }

  /** How often the kernel dropped events. */
  get overruns(): number {
    return this.#overruns;
  }

  /** The kernel dropped events, and the table was not listed since, or not without that for 5 s: at the brink it happens again and again. */
  get isOverrun(): boolean {
    if (this.#overrunAtMs === null) return false;
    return !this.#isMadeUp || this.#clock.nowMs() - this.#overrunAtMs < ROOM_MS;
  }

  /** Flows in the table, as far as is known. */
  get size(): number {
    return this.#mirror.size;
  }

  /** Changes that were not told yet; more may wait in the kernel. */
  get pending(): number {
    return this.#mirror.pending + this.#expected.pending;
  }

  /** Why nothing more is told; null: it is. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Changes for which the other side has no room; null: it has room. */
  get unfit(): number | null {
    return this.#isFull ? this.pending : null;
  }

  /** Events and listings whose flow cannot be told. */
  get untellable(): number {
    return this.#untellable;
  }

  /** Whether flows that are older than the subscription tell of themselves, see `ConntrackEvents`. */
  get includesOlder(): boolean {
    return this.#events.includesOlder;
  }

  /** What the kernel refuses, until it does not; null: nothing. */
  get refusal(): PlatformError | null {
    return this.#refusal;
  }

  /** For how long the kernel has told nothing, ms; 0: it does again, and is being listed; null: it tells. */
  get silentMs(): number | null {
    return this.#silence === null ? null : (this.#canary.silentMs ?? 0);
  }

  /**
   * Resolves when all that is known now was told: of the table, as listed and as heard; a kernel that refuses is waited for.
   * @throws what ended it
   */
  async settle(): Promise<void> {
    this.#listFirst();
    this.#events.flush();
    let seen: Promise<void>;
    do {
      seen = this.#listing;
      await seen;
      if (seen === this.#listing) this.#unlessRefused(() => this.#lookUp());
    } while (seen !== this.#listing);
    while (this.#isBehind) await this.#tell();
    await this.#telling;
    if (this.#failure !== null) throw this.#failure;
  }

  /** Follows no more; what is known was told when it resolves. @throws what ended it before, or what the kernel refuses */
  async end(): Promise<void> {
    this.#lasting.abort();
    if (this.#silence !== null) this.#listAnew();
    try {
      await this.settle();
      if (this.#refusal !== null) throw this.#refusal;
    } finally {
      this.close();
    }
  }

  /** Follows no more, whatever was not told. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelFirst();
    this.#cancelAgain();
    this.#cancelOnceMore?.();
    this.#canary.close();
    this.#listings++;
    this.#events.close();
    this.#fail(new StateError('closed', 'flows are followed no more'));
  }

  /** All that the kernel has told by now is known. */
  flush(): void {
    this.#events.flush();
  }

  /** The kernel's entry of this flow; undefined: there is none, which is known from then on. @throws PlatformError */
  look(key: string): ConntrackEntry | undefined {
    this.#readEntries();
    if (!this.#mirror.isHeardOf(key)) return undefined;
    try {
      const entry = this.#options.kernel.find(readSharedFlowKey(key));
      this.#mirror.found(key, entry);
      return entry;
    } catch (error) {
      // What is asked of each packet must not put off the listing that is waited for.
      if (this.#refusal === null && isPlatformError(error)) this.#stumble(error);
      throw error;
    }
  }

  /** A flow that is about to begin: what the other side is to be told, which is not told again. @throws WireError */
  announce(key: string, entry: ConntrackEntry): KeyUpdate {
    this.#readEntries();
    return this.#mirror.announce(key, entry);
  }

  /** These do not begin after all. */
  withdraw(keys: readonly string[]): void {
    for (const key of keys) this.#mirror.withdraw(key);
    this.#tellSoon();
  }

  /** Takes back what was announced two calls ago and did not begin. */
  sweep(): void {
    this.#unlessRefused(() => this.#find(this.#mirror.overdue()));
    this.#tellSoon();
  }

  #told(key: string, value: Uint8Array): void {
    try {
      if (isSharedExpectationKey(key)) {
        this.#expected.told(key, value);
        return;
      }
      readSharedFlowKey(key);
      this.#mirror.told(key, value);
    } catch (error) {
      // Of a later version: it is left as it is.
      if (!(error instanceof WireError)) throw error;
      this.#untellable++;
    }
  }

  #heard<Event extends ConntrackEvent | ExpectationEvent>(
    events: readonly Event[],
    take: (event: Event) => void,
  ): void {
    if (this.#failure !== null) return;
    this.#readEntries();
    for (const event of events) this.#try(() => take(event));
    this.#unlessRefused(() => this.#lookUp());
    this.#tellSoon();
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#untellable++;
      if (this.#untellable === 1) this.#options.onFault?.(error);
    }
  }

  /** Few: of flows that began before we listened, or whose beginning was lost. */
  #lookUp(): void {
    this.#find(this.#mirror.unclear);
  }

  #find(keys: Iterable<string>): void {
    for (const key of keys)
      this.#try(() => this.#mirror.found(key, this.#options.kernel.find(readSharedFlowKey(key))));
  }

  /** While the kernel refuses nothing is asked but the whole, which makes up for it: each answer that does not come holds up all else. */
  #unlessRefused(ask: () => void): void {
    if (this.#refusal !== null) return;
    try {
      ask();
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      this.#stumble(error);
    }
  }

  /**
   * What announces a connection may be made longer on its way, by an address of another length. The kernel tells nobody by how much its master is
   * shifted from then on, and does it behind the event.
   */
  #doubt(expectation: FlowExpectation): void {
    const plain = masterKey(expectation);
    const zone = this.#mirror.zoneOf(plain);
    if (zone !== null) this.#masters.add(sharedKeyInZone(plain, zone));
  }

  /** What the kernel refuses it lists later. */
  #lookUpMasters(): void {
    const masters = [...this.#masters];
    this.#masters.clear();
    this.#unlessRefused(() => this.#find(masters));
    for (const key of masters) if (this.#mirror.isTcp(key)) this.#onceMore.add(key);
    if (this.#onceMore.size === 0) return;
    this.#cancelOnceMore ??= this.#clock.at(this.#clock.nowMs() + MASTER_AGAIN_MS, () => {
      this.#cancelOnceMore = null;
      const masters = [...this.#onceMore];
      this.#onceMore.clear();
      this.#unlessRefused(() => this.#find(masters));
      this.#tellSoon();
    });
  }

  #listAnew(): void {
    this.#listings++;
    const number = this.#listings;
    const before = this.#listing;
    this.#listing = before.then(() => this.#listAtLast(number)).catch((error: Error) => this.#fail(error));
  }

  /** Until the kernel lists it. One that another one follows is given up: events that it may lack were lost. */
  async #listAtLast(number: number): Promise<void> {
    const isOver = (): boolean => number !== this.#listings || this.#failure !== null;
    while (!isOver()) {
      if (this.#refusal !== null)
        await this.#pause(this.#retryAtMs - this.#clock.nowMs(), this.#lasting.signal);
      if (isOver()) return;
      try {
        if (this.#isDeaf) this.#events = this.#subscribe();
        this.#isDeaf = false;
        await this.#list(isOver);
        if (!isOver()) this.#recover();
        return;
      } catch (error) {
        if (!isPlatformError(error)) throw error;
        this.#refused(error);
        if (this.#lasting.signal.aborted) return;
      } finally {
        this.#mirror.dropListing();
      }
    }
  }

  /** The kernel refuses something: the whole is listed once it does not, by a subscription that hears. */
  #stumble(error: unknown): void {
    if (this.#failure !== null) return;
    if (!isPlatformError(error)) {
      this.#fail(error as Error);
      return;
    }
    this.#refused(error);
    this.#listAnew();
  }

  #refused(error: PlatformError): void {
    const nowMs = this.#clock.nowMs();
    // One that is well for moments only is not asked more often.
    if (this.#refusal === null && nowMs - this.#wellAtMs > RETRY_MS_MAX) this.#retryMs = RETRY_MS;
    this.#retryAtMs = nowMs + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    if (this.#refusal !== null || this.#failure !== null) return;
    this.#refusal = error;
    this.#options.onKernel?.(error);
  }

  #fellSilent(isSilent: boolean): void {
    if (this.#failure !== null) return;
    const former = this.#silence;
    this.#silence = isSilent ? 'silent' : 'heard';
    if (isSilent && former === null) this.#options.onSilence?.(true);
    this.#listAnew();
    this.#listAgainLater();
  }

  /** What it did not tell is known. */
  #endSilence(): void {
    this.#silence = null;
    this.#options.onSilence?.(false);
  }

  #listAgainLater(): void {
    this.#cancelAgain();
    this.#cancelAgain = this.#clock.at(this.#clock.nowMs() + LIST_AGAIN_MS, () => {
      this.#listAgainLater();
      if (this.#refusal === null) this.#listAnew();
    });
  }

  #recover(): void {
    if (this.#refusal === null) return;
    this.#refusal = null;
    this.#wellAtMs = this.#clock.nowMs();
    this.#options.onKernel?.(null);
    this.#unlessRefused(() => this.#lookUpMasters());
    this.#tellSoon();
  }

  async #list(isOver: () => boolean): Promise<void> {
    this.#mirror.beginListing();
    let listed = 0;
    for (const piece of this.#options.kernel.dump()) {
      for (const entry of piece) this.#try(() => this.#mirror.listed(entry));
      listed += piece.length;
      if (listed < ENTRIES_A_TURN) continue;
      listed = 0;
      this.#tellSoon();
      await turn();
      if (isOver()) return;
    }
    this.#mirror.endListing();
    this.#lookUp();
    this.#listExpectations();
    // Events may have been lost once more in the middle of it.
    if (!isOver()) {
      this.#isMadeUp = true;
      if (this.#silence === 'heard') this.#endSilence();
    }
    this.#tellSoon();
  }

  /** Behind their masters. A kernel that has none of them is one that connections do without. */
  #listExpectations(): void {
    let expectations: readonly FlowExpectation[] = [];
    try {
      expectations = this.#options.kernel.expectations();
      this.#hasExpectations = true;
    } catch (error) {
      if (this.#hasExpectations) throw error;
      this.#lack(`expected connections cannot be listed: ${(error as Error).message}`);
    }
    this.#expected.listed(expectations, (put) => this.#try(put));
    if (this.#expected.leftOut > 0) this.#lack('more connections are expected than can be shared');
  }

  #lack(message: string): void {
    if (this.#isLackSaid) return;
    this.#isLackSaid = true;
    this.#options.onFault?.(new Error(message));
  }

  #tellSoon(): void {
    if (this.#telling === null && this.#isBehind) void this.#tell();
  }

  /** Until nothing is left to be told. */
  #tell(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = null;
    });
    return this.#telling;
  }

  async #tellAll(): Promise<void> {
    let fruitless = 0;
    while (this.#isBehind) {
      // The kernel shifts the numbers of a master behind the event. Else nothing is waited for: what comes meanwhile goes with the next.
      if (this.#masters.size > 0) {
        await turn();
        this.#lookUpMasters();
        continue;
      }
      const { updates, known } = this.#take();
      try {
        await this.#options.change(updates);
        fruitless = 0;
        if (updates.length < UPDATES_A_TIME) this.#fits();
      } catch (error) {
        if (!isPassing(error)) {
          this.#fail(error as Error);
          return;
        }
        const { code, taken } = error;
        this.#takeBack(updates, error);
        fruitless = taken === null || taken === 0 ? fruitless + 1 : 0;
        // One that grew has no room, and those behind it may need none: each of them is the first once.
        if (code === 'full' && taken !== null && fruitless < Math.max(1, known)) await turn();
        else {
          if (code === 'full') this.#unfits();
          await this.#pause(AGAIN_MS, this.#ending.signal);
        }
      }
    }
  }

  /** By rank; masters ahead of what they announced. `known`: how many of them are of what the other side has. */
  #take(): { readonly updates: readonly KeyUpdate[]; readonly known: number } {
    const updates: KeyUpdate[] = [];
    let known = 0;
    for (const rank of RANKS) {
      if (rank === 'fresh') known = updates.length;
      for (const mirror of [this.#mirror, this.#expected])
        updates.push(...mirror.take(UPDATES_A_TIME - updates.length, rank));
    }
    return { updates, known };
  }

  #takeBack(updates: readonly KeyUpdate[], { code, taken }: StateError): void {
    const left = updates.slice(taken ?? 0);
    // What had no room goes behind those that it kept from being tried.
    if (code === 'full') left.push(...left.splice(0, 1));
    const expected = left.filter(({ key }) => isSharedExpectationKey(key));
    const flows = left.filter(({ key }) => !isSharedExpectationKey(key));
    const how = taken === null ? 'untold' : 'refused';
    this.#mirror[how](flows);
    this.#expected[how](expected);
  }

  #unfits(): void {
    this.#cancelRoom?.();
    this.#cancelRoom = null;
    if (this.#isFull || this.#failure !== null) return;
    this.#isFull = true;
    this.#options.onFull?.(this.pending);
  }

  #fits(): void {
    if (!this.#isFull) return;
    this.#cancelRoom ??= this.#clock.at(this.#clock.nowMs() + ROOM_MS, () => {
      this.#cancelRoom = null;
      this.#isFull = false;
      this.#options.onFull?.(0);
    });
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.at(this.#clock.nowMs() + ms, done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#ending.abort();
    this.#lasting.abort();
    this.#canary.close();
    this.#cancelAgain();
    this.#cancelRoom?.();
    if (!this.#isClosed) this.#options.onFault?.(error);
  }
}

/** Of a refusal: the same may be taken later. */
function isPassing(error: unknown): error is StateError {
  return error instanceof StateError && (error.code === 'full' || error.code === 'overload');
}
