// SPDX-License-Identifier: Apache-2.0
import { formatEpoch, LAST_EPOCH } from '@vnfpool/core';
import type { ReplicaStore } from '@vnfpool/core/replication';
import type { ObjectStore } from '@vnfpool/store/objects';
import {
  type CheckpointObject,
  type CheckpointPlace,
  encodeCheckpoint,
  type SlotLabel,
} from '@vnfpool/wire/checkpoint';
import { readChain } from './chain.ts';
import type { Claiming } from './claim.ts';
import { cutOf, piecesOf } from './cut.ts';
import { labelSlot } from './label.ts';
import { isBefore, type NamedObject, objectName, objectsOf } from './names.ts';
import { kindOf, readObject } from './read-object.ts';
import { readCheckpoints } from './reader.ts';
import { sealed } from './seal.ts';

/** Why a slot cannot begin anew with a checkpoint: it is gone or damaged, or somebody else came in between. */
export class NotRestorable extends Error {
  override readonly name = 'NotRestorable';
}

/** What was written for a slot to begin with. */
export interface RestoredCheckpoint {
  readonly epoch: number;
  /** Of its last object. */
  readonly number: number;
  readonly sequence: number;
  readonly keys: number;
  /** Of its objects, as the store has them. */
  readonly octets: number;
}

/** The state that a slot had at a checkpoint, named by its last object. @throws NotRestorable, ObjectStoreError */
export async function readCheckpoint(
  store: ObjectStore,
  slot: string,
  place: CheckpointPlace,
): Promise<ReplicaStore> {
  const what = `checkpoint ${placeWords(place)}`;
  const objects = objectsOf(await store.list(slot)).filter(
    (each) => each.epoch === place.epoch && !isBefore(place, each),
  );
  const isThere = objects.some(({ number, kind }) => number === place.number && isPiece(kind));
  const start = objects.findLast(({ kind }) => kind === 'start');
  if (!isThere || start === undefined) throw new NotRestorable(`there is no ${what} in the store`);
  const damage: string[] = [];
  const chain = await readChain(store, slot, start, objects, (_, reason) => damage.push(reason));
  if (chain?.place.number === place.number) return chain.store;
  throw new NotRestorable(
    `${what} is not whole: ${damage[0] ?? 'what it builds upon, or its last piece, is missing'}`,
  );
}

/** Where the store has nothing of a slot: generations of councils count from 1, so that nobody is ever granted so low an epoch. */
const BEFORE_ALL: CheckpointPlace = { epoch: 1, number: 0 };

/**
 * The state becomes the newest of a slot that nobody holds, behind all that was written under its last epoch: whoever takes the slot next
 * begins with it. @param chosen numbered anew @param label of the slot, where the state was another one's
 * @throws NotRestorable when somebody held or took the slot at the same time; ObjectStoreError: it may have come through
 */
export async function restoreUnheld(
  { objects, slot, node, wallMs }: Omit<Claiming, 'epoch'>,
  chosen: ReplicaStore,
  label?: SlotLabel,
): Promise<RestoredCheckpoint> {
  const last = objectsOf(await objects.list(slot)).at(-1) ?? BEFORE_ALL;
  if (last.epoch === LAST_EPOCH) throw new NotRestorable('the store has nothing of the slot any more');
  const { epoch } = last;
  if (label !== undefined && !(await labelSlot(objects, epoch, label)))
    throw new NotRestorable(
      `what the store has of the slot under epoch ${formatEpoch(epoch)} is not of the format ${label.format}; it has to be held once under that before`,
    );
  const newest = await readCheckpoints(objects, slot);
  numberBehind(chosen, newest.store.sequence);
  const { sequence, keys } = chosen;
  const first = last.number + 1;
  let number = last.number;
  let octets = 0;
  const ours = new Set<string>();
  const create = async (body: object): Promise<void> => {
    number += 1;
    const object = { ...body, slot, epoch, number, node, wallMs: wallMs() } as CheckpointObject;
    const name = objectName(object, kindOf(object));
    const written = sealed(encodeCheckpoint(object));
    if (!(await objects.create(slot, name, written))) throw metWith(epoch);
    ours.add(name);
    if (object.type === 'part') octets += written.length;
  };
  const cut = cutOf(chosen, 0);
  const pieces = piecesOf(cut);
  for (const [index, updates] of pieces.entries())
    await create({
      type: 'part',
      first,
      from: 0,
      updates,
      mark: index === pieces.length - 1 ? cut.mark : null,
    });
  const restored = { epoch, number, sequence, keys, octets };
  await create({ type: 'end', sequence });
  await checkAlone(objects, slot, restored, (each) => each.number < first || ours.has(each.name));
  return restored;
}

/** It counts as newer than what has this sequence. */
export function numberBehind(chosen: ReplicaStore, sequence: number): void {
  chosen.completeTo(Math.max(chosen.sequence, sequence) + 1);
}

/** Whoever took the slot in between has read it, and nobody wrote beside it. */
async function checkAlone(
  objects: ObjectStore,
  slot: string,
  restored: RestoredCheckpoint,
  isKnown: (object: NamedObject) => boolean,
): Promise<void> {
  const found = objectsOf(await objects.list(slot));
  const { epoch } = restored;
  if (found.some((each) => each.epoch === epoch && !isKnown(each))) throw metWith(epoch);
  const claims = found.filter((each) => each.epoch > epoch && each.kind === 'claim');
  const [claim] = claims;
  if (claim === undefined) return;
  const object = await readObject(objects, slot, claim);
  if (object.type === 'claim' && isBefore(object.base, restored))
    throw new NotRestorable(
      `the slot was taken at the same time, under epoch ${formatEpoch(claim.epoch)}, without it; try again`,
    );
}

function metWith(epoch: number): NotRestorable {
  return new NotRestorable(
    `somebody else writes under epoch ${formatEpoch(epoch)} of the slot; look at what there is, and try again`,
  );
}

function isPiece(kind: NamedObject['kind']): boolean {
  return kind === 'start' || kind === 'more' || kind === 'delta';
}

function placeWords({ epoch, number }: CheckpointPlace): string {
  return `${formatEpoch(epoch)}/${number}`;
}
