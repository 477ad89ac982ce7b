// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { claimEpoch, hasEnded, type KeptState, readCheckpoints } from '@vnfpool/runtime/checkpoint';
import { ObjectStoreError } from '@vnfpool/store/objects';
import type { CheckpointSharing, SlotDefinition } from '@vnfpool/wire/mobility';
import { HeldCheckpoints } from './held-checkpoints.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';
import { orAborted, pause } from './waiting.ts';

/** For a holder that lets go to write its last checkpoint. */
const LAST_CHECKPOINT_MS = 5_000;
const LOOK_EVERY_MS = 20;
/** Without a last resort: after this time another candidate may try. */
const READ_MS = 10_000;
/** Of a function that serves already, and has its state itself. */
const READ_RESUMED_MS = 2_000;
const RETRY_MS = 250;

const NOTHING = { epoch: 0, number: 0 } as const;

/** State that goes to a store outside, where whoever holds the slot next reads it. */
export class CheckpointKeeping implements StateKeeping {
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

  async found(order: Take, epoch: number, signal: AbortSignal): Promise<Found> {
    const { clock, logger, self } = this.#parts;
    const kept = this.#kept;
    this.#kept = null;
    this.#start = NOTHING;
    // Nobody has changed anything since.
    if (kept !== null && order.previous?.node === self) return foundIn(kept, true, false);
    const { withoutAfterMs } = this.#sharing();
    const untilMs = clock.nowMs() + (order.isResumed ? READ_RESUMED_MS : (withoutAfterMs ?? READ_MS));
    for (;;) {
      try {
        const state = await orAborted(this.#read(order, epoch, signal), signal);
        return this.#told(order, state);
      } catch (error) {
        if (!(error instanceof ObjectStoreError)) throw error;
        const { slot } = order;
        if (clock.nowMs() < untilMs) {
          logger.warn(
            { slot, reason: error.message },
            'the store of its state cannot be read; it is tried again',
          );
          await pause(clock, RETRY_MS, signal);
          signal.throwIfAborted();
          continue;
        }
        if (!order.isResumed && withoutAfterMs === undefined) throw error;
        logger.error({ slot, reason: error.message }, 'it begins without the state in the store');
        return foundIn(new ReplicaStore(), order.previous === null, !order.isResumed);
      }
    }
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
  async #read(order: Take, epoch: number, signal: AbortSignal): Promise<KeptState> {
    const { slot, isReleased } = order;
    const last = this.#lastOf(order);
    const { stores, self, clock } = this.#parts;
    const objects = stores.at(this.#sharing().store);
    if (isReleased && last !== null && last !== self) {
      const untilMs = clock.nowMs() + LAST_CHECKPOINT_MS;
      while (!(await hasEnded(objects, slot, epoch)) && clock.nowMs() < untilMs) {
        await pause(clock, LOOK_EVERY_MS, signal);
        signal.throwIfAborted();
      }
    }
    await claimEpoch({ objects, slot, epoch, node: self, wallMs: Date.now });
    return readCheckpoints(objects, slot, epoch);
  }

  /** Who has to be told that something is missing is told. */
  #told(order: Take, state: KeptState): Found {
    const { slot, isReleased, isResumed } = order;
    const last = this.#lastOf(order);
    const { logger } = this.#parts;
    const { store, place, node, damaged, isNewest, lostMs, isEnded, start } = state;
    this.#start = start;
    const isThere = place.epoch > 0;
    for (const reason of damaged) logger.error({ slot, reason }, 'a checkpoint is damaged');
    const isOther = last !== null && node !== null && node !== last;
    const missing = [
      ...(isNewest || !isThere
        ? []
        : [`what was changed last${lostMs > 0 ? `, for ${lostMs} ms at least` : ''}`]),
      ...(isOther ? ['all that the last holder changed, which wrote none'] : []),
      ...(last !== null && !isThere ? ['everything: there is none'] : []),
    ];
    if (missing.length > 0)
      logger.error({ slot, missing: missing.join('; ') }, 'state is missing from the checkpoints');
    else if (isReleased && !isResumed && !isEnded)
      logger.warn({ slot }, 'the last holder has not said that its last checkpoint is all');
    else if (isThere)
      logger.info({ slot, keys: store.keys, epoch: place.epoch }, 'state was read from the store');
    // A function that went on has its state itself.
    return foundIn(store, isThere || last === null, missing.length > 0 && !isResumed);
  }

  /** Who wrote last; null: nobody has. */
  #lastOf({ previous, isResumed }: Take): number | null {
    return isResumed ? this.#parts.self : (previous?.node ?? null);
  }

  #sharing(): CheckpointSharing {
    const { sharing } = this.#definition;
    if (sharing?.method !== 'checkpoint') throw new Error('its state does not go to a store any more');
    return sharing;
  }
}

function foundIn(store: ReplicaStore, isWhole: boolean, isLossy: boolean): Found {
  return { from: { store, history: [] }, isWhole, isLossy };
}
