// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@vnfpool/store/objects';
import { encodeCheckpoint } from '@vnfpool/wire/checkpoint';
import { type NamedObject, objectName, objectsOf } from './names.ts';
import { sealed } from './seal.ts';

/** Whose checkpoints they are. */
export interface Claiming {
  readonly objects: ObjectStore;
  readonly slot: string;
  readonly epoch: number;
  /** This one. */
  readonly node: number;
  readonly wallMs: () => number;
}

/** Somebody has claimed a later epoch of the slot: this holder is none any more, and writes nothing further. */
export class CheckpointSuperseded extends Error {
  override readonly name = 'CheckpointSuperseded';
  readonly epoch: number;

  constructor(epoch: number, later: number) {
    super(
      later > epoch
        ? `epoch ${later} of the slot was claimed in the store: epoch ${epoch} writes no more`
        : `somebody else writes under epoch ${epoch} of the slot`,
    );
    this.epoch = later;
  }
}

/**
 * The epoch is this holder's: what earlier ones write counts no more, and what is read after this is what it goes on from.
 * @throws CheckpointSuperseded, ObjectStoreError; may be tried again after the latter
 */
export async function claimEpoch(claiming: Claiming): Promise<void> {
  await claimAfter(claiming, objectsOf(await claiming.objects.list(claiming.slot)));
}

/** @param found what there is */
export async function claimAfter(claiming: Claiming, found: readonly NamedObject[]): Promise<void> {
  const { objects, slot, epoch, node, wallMs } = claiming;
  checkLater(found, epoch);
  const last = found.findLast((each) => each.epoch < epoch && each.kind !== 'end');
  const base = last ? { epoch: last.epoch, number: last.number } : { epoch: 0, number: 0 };
  const claim = { type: 'claim', slot, epoch, number: 0, node, wallMs: wallMs(), base } as const;
  await objects.create(slot, objectName(claim, 'claim'), sealed(encodeCheckpoint(claim)));
  checkLater(objectsOf(await objects.list(slot)), epoch);
}

/** @throws CheckpointSuperseded */
export function checkLater(found: readonly NamedObject[], epoch: number): void {
  const later = found.findLast((each) => each.epoch > epoch);
  if (later !== undefined) throw new CheckpointSuperseded(epoch, later.epoch);
}
