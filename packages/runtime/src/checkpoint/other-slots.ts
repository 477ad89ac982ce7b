// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@vnfpool/store/objects';
import type { CheckpointPart, CheckpointPlace, SlotLabel } from '@vnfpool/wire/checkpoint';
import { DamagedLabel, readLabel } from './label.ts';
import { objectsOf } from './names.ts';
import { DamagedObject, readObject } from './read-object.ts';

/** A slot whose checkpoints a store has, of whatever set. */
export interface OtherSlot {
  readonly slot: string;
  /** Null: the store does not say. */
  readonly label: SlotLabel | null;
  /** Full checkpoints that are there. */
  readonly full: number;
  /** Last object of the newest checkpoint that can be read, which is not put together here; null: none can. */
  readonly newest: (CheckpointPlace & { readonly wallMs: number; readonly keys: number }) | null;
  /** Why something newer, or the label, cannot be read; empty: nothing is wrong. */
  readonly damage: string;
}

const SLOT = /^[0-9a-f]{16}$/;
/** More are not looked through at a time. */
const SLOTS_MAX = 4_096;

/** Slots of which the store may have something, ascending. @throws Error: they are too many; ObjectStoreError */
export async function slotsIn(store: ObjectStore): Promise<readonly string[]> {
  const slots = (await store.folders()).filter((name) => SLOT.test(name));
  if (slots.length <= SLOTS_MAX) return slots;
  throw new Error(
    `the store has ${slots.length} slots, more than the ${SLOTS_MAX} that are looked through; ask for one by its id`,
  );
}

/** Those of these slots that have a checkpoint in the store; what is removed meanwhile is left out. @throws ObjectStoreError */
export async function otherSlots(
  store: ObjectStore,
  slots: readonly string[],
  signal: AbortSignal,
): Promise<readonly OtherSlot[]> {
  const found: OtherSlot[] = [];
  for (const slot of slots) {
    signal.throwIfAborted();
    const one = await otherSlot(store, slot, signal);
    if (one !== null) found.push(one);
  }
  return found;
}

async function otherSlot(store: ObjectStore, slot: string, signal: AbortSignal): Promise<OtherSlot | null> {
  const objects = objectsOf(await store.list(slot)).filter(({ kind }) => kind !== 'claim' && kind !== 'end');
  const last = objects.at(-1);
  if (last === undefined) return null;
  const full = objects.filter(({ kind }) => kind === 'start').length;
  const damage: string[] = [];
  let newest: OtherSlot['newest'] = null;
  for (const named of objects.reverse()) {
    signal.throwIfAborted();
    try {
      const part = (await readObject(store, slot, named)) as CheckpointPart;
      const { epoch, number, wallMs, mark } = part;
      if (mark === null) continue;
      newest = { epoch, number, wallMs, keys: mark.keys };
      break;
    } catch (error) {
      if (!(error instanceof DamagedObject)) throw error;
      damage.push(error.message);
    }
  }
  let label: SlotLabel | null = null;
  try {
    label = await readLabel(store, slot, newest?.epoch ?? last.epoch);
  } catch (error) {
    if (!(error instanceof DamagedLabel)) throw error;
    damage.push(error.message);
  }
  return { slot, label, full, newest, damage: damage[0] ?? '' };
}
