// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import {
  claimEpoch,
  hasEnded,
  isBefore,
  type KeptState,
  lastWritten,
  NotRestorable,
  otherSlots,
  readCheckpoint,
  readCheckpoints,
  readLabel,
  restoreUnheld,
  slotsIn,
} from '@vnfpool/runtime/checkpoint';
import { type ObjectStore, ObjectStoreError } from '@vnfpool/store/objects';
import type { CheckpointPlace, SlotLabel } from '@vnfpool/wire/checkpoint';
import {
  answerWords,
  type CheckpointSharing,
  type FoundSlot,
  type MadeCheckpoint,
  type SlotDefinition,
} from '@vnfpool/wire/mobility';
import { foundIn, type InStore, judged, lastChanges, type Reading, readUntil } from './found-in-store.ts';
import { HeldCheckpoints } from './held-checkpoints.ts';
import type { Found, HeldSlot, KeepingParts, Kept, StateKeeping, Take } from './keeping.ts';
import type { OtherSource } from './state-tasks.ts';

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
    // Nobody has held the slot, and yet there is something: it was another slot's, and somebody wanted it here.
    const isGiven = order.previous === null && !order.isResumed && this.#start.epoch > 0;
    return isRestored || isGiven ? { ...found, isRestored: true } : found;
  }

  hold({ slot, isLossy }: Take, epoch: number, found: Found): HeldSlot {
    const { self, stores, clock, logger, onOverruled } = this.#parts;
    this.#held = new HeldCheckpoints({
      slot,
      label: this.#label(),
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

  async others(
    signal: AbortSignal,
    { source, format = '' }: Partial<OtherSource> = {},
  ): Promise<readonly FoundSlot[]> {
    const objects = this.#objects();
    const all = source === undefined ? await slotsIn(objects) : [source];
    const others = all.filter((slot) => slot !== this.#definition.id);
    const found = await otherSlots(objects, others, signal);
    const own = this.#label().format;
    return found.map(({ slot, label, full, newest, damage }) => ({
      slot,
      set: label?.set ?? '',
      pool: label?.pool ?? '',
      index: label?.index ?? 0,
      format: label?.format ?? '',
      full,
      epoch: newest?.epoch ?? 0,
      number: newest?.number ?? 0,
      wallMs: newest?.wallMs ?? 0,
      keys: newest?.keys ?? 0,
      damage: answerWords(damage),
      misfit: answerWords(misfitOf(label?.format || format, own)),
    }));
  }

  async stateAt(place: CheckpointPlace, from?: OtherSource): Promise<ReplicaStore> {
    const objects = this.#objects();
    const { id } = this.#definition;
    if (from === undefined) return readCheckpoint(objects, id, place);
    const { source, format = '' } = from;
    if (source === id) throw new NotRestorable(`${source} is the slot itself`);
    const state = await readCheckpoint(objects, source, place);
    const label = await readLabel(objects, source, place.epoch);
    const misfit = misfitOf(label?.format || format, this.#label().format);
    if (misfit !== '') throw new NotRestorable(misfit);
    return state;
  }

  async restoreUnheld(chosen: ReplicaStore, isOther: boolean): Promise<MadeCheckpoint> {
    const { self, clock } = this.#parts;
    const beganMs = clock.nowMs();
    const claiming = { objects: this.#objects(), slot: this.#definition.id, node: self, wallMs: Date.now };
    const restored = await restoreUnheld(claiming, chosen, isOther ? this.#label() : undefined);
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

  /** What whoever knows nothing of this set is told of its checkpoints. */
  #label(): SlotLabel {
    const { id, pool, index } = this.#definition;
    return { slot: id, set: this.#parts.setName(), pool, index, format: this.#sharing().format ?? '' };
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

/** Why a slot whose values are of the format `own` cannot have these; empty: it can. */
function misfitOf(format: string, own: string): string {
  if (own === '') return 'of what format the state of this slot is was not told by the manager';
  if (format === '') return 'the store does not say of what format it is';
  return format === own ? '' : `it is of the format ${format}, and the state of this slot of ${own}`;
}

function inStore({ store, place, node, isNewest, lostMs, isEnded }: KeptState): InStore {
  const isThere = place.epoch > 0;
  const since = lostMs > 0 ? `, for ${lostMs} ms at least` : '';
  const missing = isNewest || !isThere ? [] : [`what was changed last${since}`];
  return { store, isThere, node, epoch: place.epoch, isEnded, missing };
}
