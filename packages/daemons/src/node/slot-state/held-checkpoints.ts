// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate, ReplicaStore } from '@vnfpool/core/replication';
import {
  CheckpointSuperseded,
  CheckpointWriter,
  labelSlot,
  type WrittenCheckpoint,
} from '@vnfpool/runtime/checkpoint';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import { StateError } from '@vnfpool/runtime/replication';
import type { CheckpointPlace, SlotLabel } from '@vnfpool/wire/checkpoint';
import {
  type CheckpointSharing,
  KEEP_FULL_MIN,
  type MadeCheckpoint,
  type SharingReport,
} from '@vnfpool/wire/mobility';
import { updateWeight } from '@vnfpool/wire/replication';
import { StateMeter, storedValue, WaitingChanges, writeLast } from './held-in-store.ts';
import type { HeldSlot, Kept } from './keeping.ts';
import type { OpenStores } from './open-stores.ts';
import type { StateEntry } from './state-source.ts';
import { pause } from './waiting.ts';

export interface HeldCheckpointsOptions {
  readonly slot: string;
  readonly label: SlotLabel;
  readonly epoch: number;
  readonly self: number;
  /** What the holder begins with. */
  readonly state: ReplicaStore;
  /** Where that begins in the store; epoch 0: it is not from there. */
  readonly start: CheckpointPlace;
  readonly sharing: CheckpointSharing;
  readonly isLossy: boolean;
  readonly stores: OpenStores;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Somebody took this holder for gone, and wanted another state: the slot is to be given up. */
  readonly onOverruled: () => void;
}

/** A store that failed is tried again after this time at the latest. */
const RETRY_MS_MAX = 2_000;
/** With nothing to write: whether what was written is still there. */
const LOOK_EVERY_MS = 10_000;

/** The state of a slot while it is held here: what its function tells of it goes to a store, in checkpoints. */
export class HeldCheckpoints implements HeldSlot {
  /** A store is read by whoever takes the slot next. */
  readonly securityState = undefined;
  readonly ready: Promise<void> = Promise.resolve();
  readonly #options: HeldCheckpointsOptions;
  #sharing: CheckpointSharing;
  #writer: CheckpointWriter;
  /** Since when there are changes that no checkpoint was begun for; null: there are none. And what they weigh. */
  #newSinceMs: number | null = null;
  #newWeight = 0;
  /** The same of the checkpoint that is being written. */
  #givenSinceMs: number | null = null;
  #isThere = false;
  /** The store says whose its checkpoints are. */
  #isLabelled = false;
  #fault = '';
  #writing: Promise<WrittenCheckpoint | null> | null = null;
  #cancel: () => void = () => undefined;
  /** What is changed from here on does not count, and is not written. */
  #isRestored = false;
  /** Why nothing is taken any more; empty: it is. */
  #closed = '';
  /** Changes that wait for the store, which is behind. */
  readonly #waiting = new WaitingChanges();
  readonly #meter: StateMeter;

  constructor(options: HeldCheckpointsOptions) {
    this.#options = options;
    this.#sharing = options.sharing;
    this.#meter = new StateMeter(options.state);
    this.#writer = this.#writerTo(options.sharing.store);
    this.#writer.begin(options.start);
    void this.checkpoint();
  }

  *entries(): Generator<StateEntry> {
    for (const { key, value } of this.#options.state) if (value !== null) yield [key, value];
  }

  async change(updates: readonly KeyUpdate[]): Promise<void> {
    const { state, clock } = this.#options;
    for (const [place, update] of updates.entries()) {
      const { key } = update;
      const value = storedValue(update);
      if (this.#closed !== '') throw new StateError('closed', this.#closed);
      // Lost like all that came behind the checkpoint: it was changed a moment later.
      if (this.#isRestored) return;
      if (!state.hasRoomFor(key, value))
        throw new StateError('full', 'the state is as large as it may be', place);
      state.update(key, value);
      this.#newWeight += updateWeight({ key, value });
      this.#newSinceMs ??= clock.nowMs();
    }
    this.#plan();
    while (this.#isTaking() && this.#sharing.overload === 'block' && this.#isBehind())
      await this.#waiting.wait();
    if (this.#closed !== '') throw new StateError('closed', this.#closed);
  }

  gathered(): void {
    // Nobody has it from here.
  }

  stands(): void {
    // Whoever is a candidate may read the store.
  }

  /** The definition has changed. */
  follow(sharing: CheckpointSharing): void {
    const { store } = this.#sharing;
    this.#sharing = sharing;
    this.#writer.keep(sharing.keepFull ?? KEEP_FULL_MIN);
    if (sharing.store !== store && !this.#isRestored) {
      this.#writer = this.#writerTo(sharing.store, this.#writer.number);
      this.#isThere = false;
      this.#isLabelled = false;
      void this.checkpoint();
    }
    this.#plan();
    this.#waiting.wake();
  }

  /**
   * One that begins now, and has all that was changed before; resolves when the store has it.
   * @throws Error when it does not take it, or the slot is left
   */
  async checkpointNow(isFull: boolean): Promise<MadeCheckpoint> {
    const { clock, state, epoch } = this.#options;
    const beganMs = clock.nowMs();
    // One that is under way may have begun before the last changes.
    while (this.#writing !== null) await this.#writing;
    if (this.#closed !== '') throw new StateError('closed', this.#closed);
    const writer = this.#writer;
    if (isFull) writer.writeAllNext();
    const written = await this.#write();
    if (this.#fault !== '') throw new Error(`the store does not take it: ${this.#fault}`);
    return {
      kind: written === null ? 'none' : written.isFull ? 'full' : 'incremental',
      epoch,
      number: writer.last?.number ?? 0,
      sequence: writer.sequence,
      keys: state.keys,
      octets: written?.octets ?? 0,
      tookMs: clock.nowMs() - beganMs,
    };
  }

  async restore(chosen: ReplicaStore): Promise<MadeCheckpoint> {
    const { clock, epoch, slot, logger } = this.#options;
    const beganMs = clock.nowMs();
    while (this.#writing !== null) await this.#writing;
    if (this.#closed !== '') throw new StateError('closed', this.#closed);
    this.#cancel();
    const writer = this.#writer;
    const restore = async (): Promise<Awaited<ReturnType<typeof writer.restore>>> => {
      await this.#label();
      return writer.restore(chosen);
    };
    const restoring = restore().then(async (written) => {
      this.#isRestored = true;
      this.#waiting.wake();
      // Whoever takes the slot next waits for it; else it is tried again when the slot is left.
      await writer.end().catch(() => undefined);
      return written;
    });
    this.#writing = restoring
      .catch(() => null)
      .finally(() => {
        this.#writing = null;
        this.#plan();
      });
    const written = await restoring;
    const { sequence, octets } = written;
    logger.warn({ slot, sequence, keys: chosen.keys }, 'the slot begins anew with another state');
    const { number } = written;
    const tookMs = clock.nowMs() - beganMs;
    return { kind: 'full', epoch, number, sequence, keys: chosen.keys, octets, tookMs };
  }

  /** Of the last object that was written here, or was to be. */
  get wrote(): CheckpointPlace {
    return { epoch: this.#options.epoch, number: this.#writer.number };
  }

  /** Now, whatever is due; resolves when the store has it, or has failed: see `report`. */
  async checkpoint(): Promise<void> {
    await this.#writing;
    if (this.#closed === '' && !this.#isRestored) await this.#write();
  }

  async leave(signal: AbortSignal): Promise<Kept> {
    const { state, epoch, clock, logger, slot } = this.#options;
    this.#close('the slot is handed over');
    await writeLast(
      clock,
      signal,
      (stop) => this.#end(stop),
      () => logger.warn({ slot, reason: this.#fault }, 'the last checkpoint is missing'),
    );
    return { store: state, history: [], position: { epoch, sequence: state.sequence } };
  }

  report(): SharingReport {
    return {
      ...this.#meter.read(),
      waiting: this.#waiting.size,
      isLossy: this.#options.isLossy,
      standbys: [],
      checkpoint: {
        sequence: this.#writer.sequence,
        ageMs: Math.round(this.#ageMs()),
        lagBytes: this.#options.state.weightBehind(this.#writer.sequence),
        isCurrent: this.#isThere && !this.#isBehind(),
        fault: this.#fault,
      },
    };
  }

  /** @param number of the last object under this epoch, as it may have been there before */
  #writerTo(store: string, number = 0): CheckpointWriter {
    const { stores, slot, epoch, self, state, logger } = this.#options;
    return new CheckpointWriter({
      objects: stores.at(store),
      slot,
      epoch,
      node: self,
      state,
      number,
      keepFull: this.#sharing.keepFull ?? KEEP_FULL_MIN,
      wallMs: Date.now,
      onLost: () => {
        this.#isThere = false;
        this.#isLabelled = false;
        logger.error({ slot }, 'the store has lost checkpoints: all of the state is written again');
      },
    });
  }

  /** Age of the oldest change that the store has not. */
  #ageMs(): number {
    const sinceMs = this.#givenSinceMs ?? this.#newSinceMs;
    return sinceMs === null ? 0 : this.#options.clock.nowMs() - sinceMs;
  }

  /** What is changed goes to the store. */
  #isTaking(): boolean {
    return this.#closed === '' && !this.#isRestored;
  }

  #isBehind(): boolean {
    return this.#ageMs() > this.#sharing.intervalMs;
  }

  /** When the next one is to be made. */
  #plan(retryMs = 0): void {
    if (!this.#isTaking() || this.#writing !== null) return;
    const { clock } = this.#options;
    const { intervalMs, windowOctets } = this.#sharing;
    const nowMs = clock.nowMs();
    let atMs = nowMs + LOOK_EVERY_MS;
    // Half an interval is for the store to take it.
    if (this.#newSinceMs !== null) atMs = this.#newSinceMs + intervalMs / 2;
    if (this.#newWeight > windowOctets) atMs = nowMs;
    this.#cancel();
    this.#cancel = clock.at(Math.max(atMs, nowMs + retryMs), () => void this.checkpoint());
  }

  #write(): Promise<WrittenCheckpoint | null> {
    this.#cancel();
    this.#writing ??= this.#written().finally(() => {
      this.#writing = null;
      const { intervalMs } = this.#sharing;
      this.#plan(this.#fault === '' ? 0 : Math.min(intervalMs, RETRY_MS_MAX));
    });
    return this.#writing;
  }

  /** What was written; null: nothing was new, or it failed. */
  async #written(): Promise<WrittenCheckpoint | null> {
    const { logger, slot } = this.#options;
    const writer = this.#writer;
    const weight = this.#newWeight;
    this.#givenSinceMs = this.#newSinceMs;
    this.#newSinceMs = null;
    this.#newWeight = 0;
    try {
      await this.#label();
      const written = await writer.write();
      if (this.#fault !== '') logger.info({ slot }, 'the store takes checkpoints again');
      this.#fault = '';
      this.#givenSinceMs = null;
      this.#isThere = writer === this.#writer;
      this.#waiting.wake();
      return written;
    } catch (error) {
      const { message } = error as Error;
      if (this.#fault === '') logger.error({ slot, reason: message }, 'a checkpoint was not written');
      this.#fault = message;
      this.#newSinceMs = this.#givenSinceMs ?? this.#newSinceMs;
      this.#givenSinceMs = null;
      this.#newWeight += weight;
      // Nobody reads what this holder says any more.
      if (error instanceof CheckpointSuperseded) {
        this.#close(message);
        if (error.epoch === this.#options.epoch) this.#options.onOverruled();
      }
      return null;
    }
  }

  async #label(): Promise<void> {
    if (this.#isLabelled) return;
    const { stores, epoch, label } = this.#options;
    const { store } = this.#sharing;
    await labelSlot(stores.at(store), epoch, label);
    this.#isLabelled = store === this.#sharing.store;
  }

  /** The last one, and that it is; whether the store has it. */
  async #end(signal: AbortSignal): Promise<boolean> {
    await this.#writing;
    while (!signal.aborted) {
      try {
        await this.#writer.end();
        return true;
      } catch (error) {
        this.#fault = (error as Error).message;
        if (error instanceof CheckpointSuperseded) return false;
        await pause(this.#options.clock, Math.min(this.#sharing.intervalMs, RETRY_MS_MAX), signal);
      }
    }
    return false;
  }

  #close(reason: string): void {
    this.#closed ||= reason;
    this.#cancel();
    this.#waiting.wake();
  }
}
