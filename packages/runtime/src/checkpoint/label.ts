// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@vnfpool/store/objects';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeSlotLabel, encodeSlotLabel, type SlotLabel } from '@vnfpool/wire/checkpoint';
import { objectsOf } from './names.ts';
import { sealed, unsealed } from './seal.ts';

/** A label that is not what was written. */
export class DamagedLabel extends Error {
  override readonly name = 'DamagedLabel';
}

interface NamedLabel {
  readonly name: string;
  readonly epoch: number;
}

const NAME = /^label-([0-9]{16})$/;

/** Not one of the names of checkpoints: whoever knows of no labels passes over them. */
function labelName(epoch: number): string {
  return `label-${String(epoch).padStart(16, '0')}`;
}

/** Of the names of one slot those of labels, ascending. */
export function labelsOf(names: readonly string[]): NamedLabel[] {
  return names.flatMap((name) => {
    const epoch = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    return Number.isSafeInteger(epoch) ? [{ name, epoch }] : [];
  });
}

/**
 * Has the store say whose the checkpoints are from this epoch on, unless it says so already. Labels that no checkpoint needs any more go.
 * False: the store says something else of this epoch, which stays. @throws ObjectStoreError; may be tried again after that
 */
export async function labelSlot(objects: ObjectStore, epoch: number, label: SlotLabel): Promise<boolean> {
  const { slot } = label;
  const names = await objects.list(slot);
  const labels = labelsOf(names).filter((each) => each.epoch <= epoch);
  const octets = sealed(encodeSlotLabel(label));
  const [oldest] = objectsOf(names);
  const needed = labels.findLast((each) => each.epoch <= (oldest?.epoch ?? epoch));
  const old = labels.filter((each) => each.epoch < (needed?.epoch ?? 0));
  if (old.length > 0)
    await objects.remove(
      slot,
      old.map(({ name }) => name),
    );
  const newest = labels.at(-1);
  const known = newest === undefined ? null : await objects.read(slot, newest.name);
  if (known !== null && Buffer.compare(known, octets) === 0) return true;
  // What was said of this epoch stays: something may have been written under it.
  return newest?.epoch !== epoch && (await objects.create(slot, labelName(epoch), octets));
}

/** Whose the checkpoints of this epoch of the slot are; null: the store does not say. @throws DamagedLabel, ObjectStoreError */
export async function readLabel(
  objects: ObjectStore,
  slot: string,
  epoch: number,
): Promise<SlotLabel | null> {
  const newest = labelsOf(await objects.list(slot)).findLast((each) => each.epoch <= epoch);
  const octets = newest === undefined ? null : await objects.read(slot, newest.name);
  if (newest === undefined || octets === null) return null;
  try {
    const label = decodeSlotLabel(unsealed(octets));
    if (label.slot === slot) return label;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new DamagedLabel(`${newest.name}: ${error.message}`);
  }
  throw new DamagedLabel(`${newest.name} is another slot's`);
}
