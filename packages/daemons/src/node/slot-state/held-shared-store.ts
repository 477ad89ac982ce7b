// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate, ReplicaStore } from '@vnfpool/core/replication';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { StateError } from '@vnfpool/runtime/replication';
import { SharedStateSuperseded, SharedStateWriter } from '@vnfpool/runtime/shared-state';
import type { SlotClaim } from '@vnfpool/store/shared-state';
import type { SharingReport, StoreSharing } from '@vnfpool/wire/mobility';
import type { ReplicaUpdate } from '@vnfpool/wire/replication';
import { StateMeter, storedValue, WaitingChanges, writeLast } from './held-in-store.ts';
import type { HeldSlot, Kept } from './keeping.ts';
import type { OpenStores } from './open-stores.ts';
import type { StateEntry } from './state-source.ts';
import { pause } from './waiting.ts';

export interface HeldSharedStoreOptions {
  readonly slot: string;
  readonly claim: SlotClaim;
  /** What the holder begins with. */
  readonly state: ReplicaStore;
  /** The mark of that in the store; empty: it is not from there. */
  readonly base: string;
  readonly sharing: StoreSharing;
  readonly isLossy: boolean;
  readonly stores: Pick<OpenStores, 'sharedAt'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A store that failed is tried again after the first time, then twice that, and so on. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;
/** With nothing to write: whether the store still has it, and the slot is still this holder's there. */
const LOOK_EVERY_MS = 10_000;
/** Where changes wait for the store: from this age on it is told that they do. */
const SLOW_MS = 1_000;
/** Where they wait, the function is held back before so much is under way: each write is a state that it had. */
const THROUGH_OCTETS = 16 * 1024 ** 2;

/** The state of a slot while it is held here: what its function tells of it goes into the store, one write after the other. */
export class HeldSharedStore implements HeldSlot {
  /** A store is read by whoever takes the slot next. */
  readonly securityState = undefined;
  readonly ready: Promise<void>;
  readonly #options: HeldSharedStoreOptions;
  readonly #waiting = new WaitingChanges();
  readonly #meter: StateMeter;
  #sharing: StoreSharing;
  #writer: SharedStateWriter;
  #fault = '';
  #retryMs = RETRY_MS;
  #writing: Promise<void> | null = null;
  /** The store has failed, and is tried again at its time. */
  #isResting = false;
  #isReady: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  /** Why nothing is taken any more; empty: it is. */
  #closed = '';
  /** What waits is not confirmed any more. */
  #isOver = false;

  constructor(options: HeldSharedStoreOptions) {
    this.#options = options;
    this.#sharing = options.sharing;
    this.#meter = new StateMeter(options.state);
    this.#writer = this.#writerTo(options.sharing, options.base);
    // From then on the state there is known as this holder's. A store that is gone is told, and not waited for.
    this.ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#write();
  }

  /** Of what the store has; empty: nothing of this holder. */
  get mark(): string {
    return this.#writer.mark;
  }

  *entries(): Generator<StateEntry> {
    for (const { key, value } of this.#options.state) if (value !== null) yield [key, value];
  }

  async change(updates: readonly KeyUpdate[]): Promise<void> {
    const { state } = this.#options;
    if (this.#closed !== '') throw new StateError('closed', this.#closed);
    this.#take(updates);
    const { sequence } = state;
    this.#write();
    while (!this.#isOver && this.#isToWait(sequence)) await this.#waiting.wait();
    if (this.#isOver && this.#isToWait(sequence)) throw new StateError('closed', this.#closed);
  }

  gathered(): void {
    // Nobody has it from here.
  }

  stands(): void {
    // Whoever is a candidate may read the store.
  }

  /** The definition has changed. */
  follow(sharing: StoreSharing): void {
    const { store } = this.#sharing;
    this.#sharing = sharing;
    if (sharing.store !== store) {
      this.#writer = this.#writerTo(sharing, '');
      this.#isResting = false;
    }
    this.#write();
    this.#waiting.wake();
  }

  async leave(signal: AbortSignal): Promise<Kept> {
    const { state, claim, clock, logger, slot } = this.#options;
    this.#closed ||= 'the slot is handed over';
    this.#cancel();
    await writeLast(
      clock,
      signal,
      (stop) => this.#end(stop),
      () => logger.warn({ slot, reason: this.#fault }, 'the last changes are missing from the store'),
    );
    this.#close();
    return { store: state, history: [], position: { epoch: claim.epoch, sequence: state.sequence } };
  }

  report(): SharingReport {
    const writer = this.#writer;
    return {
      ...this.#meter.read(),
      waiting: this.#waiting.size,
      isLossy: this.#options.isLossy,
      standbys: [],
      checkpoint: {
        sequence: writer.sequence,
        ageMs: Math.round(this.#ageMs()),
        lagBytes: this.#options.state.weightBehind(this.#writer.sequence),
        isCurrent: writer.mark !== '' && !this.#isOver && !this.#isBehind(),
        fault: this.#fault,
      },
    };
  }

  #writerTo({ store, writes, windowOctets }: StoreSharing, base: string): SharedStateWriter {
    const { stores, slot, claim, state, logger } = this.#options;
    return new SharedStateWriter({
      store: stores.sharedAt(store),
      slot,
      claim,
      state,
      windowOctets: writes.type === 'through' ? Math.max(windowOctets, THROUGH_OCTETS) : windowOctets,
      base,
      onLost: () => logger.error({ slot }, 'the store has lost state: all of it is written again'),
    });
  }

  /** Into the state, and on their way. */
  #take(updates: readonly KeyUpdate[]): void {
    const { state, clock } = this.#options;
    const taken: ReplicaUpdate[] = [];
    try {
      for (const [place, update] of updates.entries()) {
        const { key } = update;
        const value = storedValue(update);
        if (!state.hasRoomFor(key, value))
          throw new StateError('full', 'the state is as large as it may be', place);
        const sequence = state.update(key, value);
        // The state's own copy, which nobody changes.
        taken.push({ key, value: state.get(key) ?? null, sequence });
      }
    } finally {
      this.#writer.add(taken, clock.nowMs());
    }
  }

  /** Whether what a change brings about must not leave yet. */
  #isToWait(sequence: number): boolean {
    const { writes, overload } = this.#sharing;
    if (writes.type === 'through') return this.#writer.sequence < sequence;
    return overload === 'block' && this.#isBehind();
  }

  /** Age of the oldest change that the store has not. */
  #ageMs(): number {
    const { sinceMs } = this.#writer;
    return sinceMs === null ? 0 : this.#options.clock.nowMs() - sinceMs;
  }

  #isBehind(): boolean {
    const { writes } = this.#sharing;
    if (writes.type === 'through') return this.#ageMs() > SLOW_MS;
    const { lag } = writes;
    if ('ms' in lag) return this.#ageMs() > lag.ms;
    return this.#options.state.sequence - this.#writer.sequence > lag.updates;
  }

  /** Until the store has all, or fails. */
  #write(): void {
    if (this.#closed !== '' || this.#isResting || this.#writing !== null) return;
    this.#cancel();
    this.#writing = this.#written().finally(() => {
      this.#writing = null;
      this.#plan();
    });
  }

  #plan(): void {
    if (this.#closed !== '') return;
    const { clock } = this.#options;
    let inMs = this.#writer.isDone ? LOOK_EVERY_MS : 0;
    if (this.#fault !== '') {
      inMs = this.#retryMs;
      this.#retryMs = Math.min(2 * inMs, RETRY_MS_MAX);
      this.#isResting = true;
    }
    this.#cancel = clock.at(clock.nowMs() + inMs, () => {
      this.#isResting = false;
      this.#write();
    });
  }

  /** One write after the other, as long as there is something. */
  async #written(): Promise<void> {
    const { logger, slot } = this.#options;
    try {
      do {
        const writer = this.#writer;
        await writer.write();
        if (this.#fault !== '') logger.info({ slot }, 'the store takes changes again');
        this.#fault = '';
        this.#retryMs = RETRY_MS;
        if (writer.mark !== '') this.#isReady();
        this.#waiting.wake();
      } while (!this.#writer.isDone && this.#closed === '');
    } catch (error) {
      const { message } = error as Error;
      if (this.#fault === '') logger.error({ slot, reason: message }, 'the store does not take changes');
      this.#fault = message;
      this.#isReady();
      // Nobody reads what this holder says any more.
      if (error instanceof SharedStateSuperseded) this.#close(message);
    }
  }

  /** What is left, and that it is all; whether the store has it. */
  async #end(signal: AbortSignal): Promise<boolean> {
    await this.#writing;
    while (!signal.aborted && !this.#isOver) {
      try {
        await this.#writer.end();
        return true;
      } catch (error) {
        this.#fault = (error as Error).message;
        if (error instanceof SharedStateSuperseded) return false;
        await pause(this.#options.clock, RETRY_MS, signal);
      } finally {
        this.#waiting.wake();
      }
    }
    return false;
  }

  #close(reason = ''): void {
    this.#closed ||= reason;
    this.#isOver = true;
    this.#cancel();
    this.#waiting.wake();
  }
}
