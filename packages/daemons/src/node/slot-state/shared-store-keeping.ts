// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import { hasSharedStateEnded, type StoredState, takeSharedState } from '@vnfpool/runtime/shared-state';
import { SharedStateError } from '@vnfpool/store/shared-state';
import type { SlotDefinition, StoreSharing } from '@vnfpool/wire/mobility';
import { foundIn, type InStore, judged, lastChanges, type Reading, readUntil } from './found-in-store.ts';
import { HeldSharedStore } from './held-shared-store.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';

/** State that lives in a store outside, which lets only the last claimant write. */
export class SharedStoreKeeping implements StateKeeping {
  readonly method = 'shared';
  readonly #parts: KeepingParts;
  #definition: SlotDefinition;
  #held: HeldSharedStore | null = null;
  /** What this node had as the last holder, if it was, and the mark of what the store had of it. */
  #kept: { readonly store: ReplicaStore; readonly base: string } | null = null;
  /** What the state that was found follows on in the store. */
  #base = '';

  constructor(parts: KeepingParts, definition: SlotDefinition) {
    this.#parts = parts;
    this.#definition = definition;
  }

  define(definition: SlotDefinition): void {
    this.#definition = definition;
    const { sharing } = definition;
    if (sharing?.method === 'shared') this.#held?.follow(sharing);
  }

  found(order: Take, epoch: number, signal: AbortSignal): Promise<Found> {
    const { clock, logger, self } = this.#parts;
    const kept = this.#kept;
    this.#kept = null;
    this.#base = '';
    // Nobody has changed anything since; whether that is so the store says with the first write.
    if (kept !== null && order.previous?.node === self) {
      this.#base = kept.base;
      return Promise.resolve(foundIn(kept.store, true, false));
    }
    const { withoutAfterMs } = this.#sharing();
    const reading = { order, withoutAfterMs, clock, logger, signal };
    const isFault = (error: unknown): error is Error => error instanceof SharedStateError;
    return readUntil(reading, isFault, () => this.#read(reading, epoch));
  }

  hold({ slot, isLossy }: Take, epoch: number, found: Found): HeldSlot {
    const { self, stores, clock, logger } = this.#parts;
    this.#held = new HeldSharedStore({
      slot,
      claim: { epoch, node: self },
      state: found.from.store,
      base: this.#base,
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
    if (kept !== undefined) this.#kept = { store: kept.store, base: this.#held?.mark ?? '' };
    this.#held = null;
  }

  close(): Promise<void> {
    this.#kept = null;
    return Promise.resolve();
  }

  async #read(reading: Reading, epoch: number): Promise<Found> {
    const { stores, self } = this.#parts;
    const { slot } = reading.order;
    const store = stores.sharedAt(this.#sharing().store);
    await lastChanges(reading, self, () => hasSharedStateEnded(store, slot, epoch));
    const state = await takeSharedState(store, slot, { epoch, node: self });
    this.#base = state.base;
    return judged(reading, self, inStore(state, this.#sharing()));
  }

  #sharing(): StoreSharing {
    const { sharing } = this.#definition;
    if (sharing?.method !== 'shared') throw new Error('its state is not shared in a store any more');
    return sharing;
  }
}

function inStore({ store, mark, damage }: StoredState, { writes }: StoreSharing): InStore {
  return {
    store,
    isThere: mark !== null || damage !== '',
    // Where answers wait for the store, a holder that wrote nothing has not answered anything.
    node: writes.type === 'through' ? null : (mark?.node ?? null),
    epoch: mark?.epoch ?? 0,
    isEnded: writes.type === 'through' || mark?.state === 'ended',
    missing: [
      ...(damage === '' ? [] : [`what was damaged: ${damage}`]),
      ...(mark?.state === 'midway' ? ['some of what was changed last'] : []),
    ],
  };
}
