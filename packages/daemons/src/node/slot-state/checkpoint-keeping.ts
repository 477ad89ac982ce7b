// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import {
  claimEpoch,
  hasEnded,
  isBefore,
  type KeptState,
  lastWritten,
  readCheckpoint,
  readCheckpoints,
  restoreUnheld,
} from '@vnfpool/runtime/checkpoint';
import { type ObjectStore, ObjectStoreError } from '@vnfpool/store/objects';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import type { CheckpointSharing, MadeCheckpoint, SlotDefinition } from '@vnfpool/wire/mobility';
import { foundIn, type InStore, judged, lastChanges, type Reading, readUntil } from './found-in-store.ts';
import { HeldCheckpoints } from './held-checkpoints.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';

const NOTHING = { epoch: 0, number: 0 } as const;

export interface CheckpointKeepingParts extends KeepingParts {
  /** The state of a slot that is held here is another one by now: it is to be given up. */
  readonly onOverruled: () => void;
}

/** State that goes to a store outside, where whoever holds the slot next reads it. */
export class CheckpointKeeping implements StateKeeping {
  readonly method = 'checkpoint';
  readonly #parts: CheckpointKeepingParts;
  #definition: SlotDefinition;
  #held: HeldCheckpoints | null = null;
  /** What this node had as the last holder, if it was. */
  #kept: ReplicaStore | null = null;
  /** The last object that this node wrote as the last holder, or tried to. */
  #wrote: CheckpointPlace | null = null;
  /** Where what was found begins in the store. */
  #start: KeptState['start'] = NOTHING;

  constructor(parts: CheckpointKeepingParts, definition: SlotDefinition) {
    this.#parts = parts;
    this.#definition = definition;
  }

  define(definition: SlotDefinition): void {
    this.#definition = definition;
    const { sharing } = definition;
    if (sharing?.method === 'checkpoint') this.#held?.follow(sharing);
  }

  async found(order: Take, epoch: number, signal: AbortSignal): Promise<Found> {
    const { clock, logger, self } = this.#parts;
    const kept = this.#kept;
    this.#kept = null;
    this.#start = NOTHING;
    const isOwn = order.previous?.node === self;
    const isRestored = isOwn && (await this.#isRestored(order.slot, epoch));
    // Nobody has changed anything since.
    if (kept !== null && isOwn && !isRestored) return foundIn(kept, true, false);
    const { withoutAfterMs } = this.#sharing();
    const reading = { order, withoutAfterMs, clock, logger, signal };
    const isFault = (error: unknown): error is Error => error instanceof ObjectStoreError;
    const found = await readUntil(reading, isFault, () => this.#read(reading, epoch));
    return isRestored ? { ...found, isRestored } : found;
  }

  hold({ slot, isLossy }: Take, epoch: number, found: Found): HeldSlot {
    const { self, stores, clock, logger, onOverruled } = this.#parts;
    this.#held = new HeldCheckpoints({
      slot,
      epoch,
      self,
      state: found.from.store,
      start: this.#start,
      sharing: this.#sharing(),
      isLossy: isLossy || found.isLossy,
      stores,
      clock,
      logger,
      onOverruled,
    });
    return this.#held;
  }

  async stateAt(place: CheckpointPlace): Promise<ReplicaStore> {
    return readCheckpoint(this.#objects(), this.#definition.id, place);
  }

  async restoreUnheld(chosen: ReplicaStore): Promise<MadeCheckpoint> {
    const { self, clock } = this.#parts;
    const beganMs = clock.nowMs();
    const claiming = { objects: this.#objects(), slot: this.#definition.id, node: self, wallMs: Date.now };
    const restored = await restoreUnheld(claiming, chosen);
    return { kind: 'full', ...restored, tookMs: clock.nowMs() - beganMs };
  }

  begun(): void {
    // Nobody but the store has to know.
  }

  keep(kept?: Kept): void {
    this.#wrote = this.#held?.wrote ?? this.#wrote;
    this.#held = null;
    this.#kept = kept?.store ?? this.#kept;
  }

  close(): Promise<void> {
    this.#kept = null;
    return Promise.resolve();
  }

  /** Claims first: whatever the holder before writes from then on does not count. */
  async #read(reading: Reading, epoch: number): Promise<Found> {
    const { slot } = reading.order;
    const { self, logger } = this.#parts;
    const objects = this.#objects();
    await lastChanges(reading, self, () => hasEnded(objects, slot, epoch));
    await claimEpoch({ objects, slot, epoch, node: self, wallMs: Date.now });
    const state = await readCheckpoints(objects, slot, epoch);
    this.#start = state.start;
    for (const reason of state.damaged) logger.error({ slot, reason }, 'a checkpoint is damaged');
    return judged(reading, self, inStore(state));
  }

  /** Whether the store has something behind what this node wrote as the last holder. */
  async #isRestored(slot: string, epoch: number): Promise<boolean> {
    const wrote = this.#wrote;
    if (wrote === null) return false;
    try {
      const last = lastWritten(await this.#objects().list(slot), epoch);
      return last !== undefined && isBefore(wrote, last);
    } catch (error) {
      // What this node had is the best that can be had then.
      if (error instanceof ObjectStoreError) return false;
      throw error;
    }
  }

  #objects(): ObjectStore {
    return this.#parts.stores.at(this.#sharing().store);
  }

  #sharing(): CheckpointSharing {
    const { sharing } = this.#definition;
    if (sharing?.method !== 'checkpoint') throw new Error('its state does not go to a store any more');
    return sharing;
  }
}

function inStore({ store, place, node, isNewest, lostMs, isEnded }: KeptState): InStore {
  const isThere = place.epoch > 0;
  const since = lostMs > 0 ? `, for ${lostMs} ms at least` : '';
  const missing = isNewest || !isThere ? [] : [`what was changed last${since}`];
  return { store, isThere, node, epoch: place.epoch, isEnded, missing };
}
