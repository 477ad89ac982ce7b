// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import { claimEpoch, hasEnded, type KeptState, readCheckpoints } from '@vnfpool/runtime/checkpoint';
import { ObjectStoreError } from '@vnfpool/store/objects';
import type { CheckpointSharing, SlotDefinition } from '@vnfpool/wire/mobility';
import { foundIn, type InStore, judged, lastChanges, type Reading, readUntil } from './found-in-store.ts';
import { HeldCheckpoints } from './held-checkpoints.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';

const NOTHING = { epoch: 0, number: 0 } as const;

/** State that goes to a store outside, where whoever holds the slot next reads it. */
export class CheckpointKeeping implements StateKeeping {
  readonly method = 'checkpoint';
  readonly #parts: KeepingParts;
  #definition: SlotDefinition;
  #held: HeldCheckpoints | null = null;
  /** What this node had as the last holder, if it was. */
  #kept: ReplicaStore | null = null;
  /** Where what was found begins in the store. */
  #start: KeptState['start'] = NOTHING;

  constructor(parts: KeepingParts, definition: SlotDefinition) {
    this.#parts = parts;
    this.#definition = definition;
  }

  define(definition: SlotDefinition): void {
    this.#definition = definition;
    const { sharing } = definition;
    if (sharing?.method === 'checkpoint') this.#held?.follow(sharing);
  }

  found(order: Take, epoch: number, signal: AbortSignal): Promise<Found> {
    const { clock, logger, self } = this.#parts;
    const kept = this.#kept;
    this.#kept = null;
    this.#start = NOTHING;
    // Nobody has changed anything since.
    if (kept !== null && order.previous?.node === self) return Promise.resolve(foundIn(kept, true, false));
    const { withoutAfterMs } = this.#sharing();
    const reading = { order, withoutAfterMs, clock, logger, signal };
    const isFault = (error: unknown): error is Error => error instanceof ObjectStoreError;
    return readUntil(reading, isFault, () => this.#read(reading, epoch));
  }

  hold({ slot, isLossy }: Take, epoch: number, found: Found): HeldSlot {
    const { self, stores, clock, logger } = this.#parts;
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
    });
    return this.#held;
  }

  begun(): void {
    // Nobody but the store has to know.
  }

  keep(kept?: Kept): void {
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
    const { stores, self, logger } = this.#parts;
    const objects = stores.at(this.#sharing().store);
    await lastChanges(reading, self, () => hasEnded(objects, slot, epoch));
    await claimEpoch({ objects, slot, epoch, node: self, wallMs: Date.now });
    const state = await readCheckpoints(objects, slot, epoch);
    this.#start = state.start;
    for (const reason of state.damaged) logger.error({ slot, reason }, 'a checkpoint is damaged');
    return judged(reading, self, inStore(state));
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
