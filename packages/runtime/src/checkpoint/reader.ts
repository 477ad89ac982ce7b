// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import type { ObjectStore } from '@vnfpool/store/objects';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import { type Chain, readChain } from './chain.ts';
import { isBefore, type NamedObject, objectsOf } from './names.ts';
import { DamagedObject, readObject } from './read-object.ts';

/** What a store has of a slot's state. */
export interface KeptState {
  readonly store: ReplicaStore;
  /** The last object of it; epoch 0: there is nothing. */
  readonly place: CheckpointPlace;
  /** First object of the full checkpoint that it begins with. */
  readonly start: CheckpointPlace;
  /** Who claimed the newest epoch; null: nobody, or its claim cannot be read. */
  readonly node: number | null;
  /** The newest holder let go, and all that it wrote is here. */
  readonly isEnded: boolean;
  /** What could not be read, each with its reason. */
  readonly damaged: readonly string[];
  /** Nothing newer was written that could not be read. */
  readonly isNewest: boolean;
  /** How much older it is, by the clocks of holders, than the newest that can be read at all; 0: nothing newer can. */
  readonly lostMs: number;
}

const NOWHERE: CheckpointPlace = { epoch: 0, number: 0 };

/**
 * The newest state of the slot that can be had: of the newest epoch, else of what that one began with, and so on. What is damaged is told, and the one before
 * is taken. @param before epochs below this one only @throws ObjectStoreError
 */
export async function readCheckpoints(
  store: ObjectStore,
  slot: string,
  before: number = Number.POSITIVE_INFINITY,
): Promise<KeptState> {
  const all = objectsOf(await store.list(slot)).filter(({ epoch }) => epoch < before);
  const damaged = new Map<string, string>();
  const onDamage = ({ name }: NamedObject, reason: string): void => void damaged.set(name, reason);
  const newest = await claimOf(store, slot, all, onDamage);
  const node = newest?.node ?? null;
  let limit: CheckpointPlace = { epoch: Number.POSITIVE_INFINITY, number: 0 };
  for (;;) {
    const epoch = all.findLast((each) => !isBefore(limit, each))?.epoch;
    if (epoch === undefined) break;
    const objects = all.filter((each) => each.epoch === epoch && !isBefore(limit, each));
    // Whoever began with it looked just before it claimed: what came in between counts where there is nothing else.
    const chain =
      (await newestChain(store, slot, objects, onDamage)) ??
      (await newestChain(
        store,
        slot,
        all.filter((each) => each.epoch === epoch),
        onDamage,
      ));
    if (chain !== null) {
      const { place, start } = chain;
      const isNewest = !objectsOf([...damaged.keys()]).some(
        (each) => each.kind !== 'claim' && each.kind !== 'end' && isBefore(place, each),
      );
      const lostMs = isNewest ? 0 : await lostBehind(store, slot, all, chain);
      const isEnded = isNewest && (await endsAt(store, slot, all, chain, onDamage));
      return {
        store: chain.store,
        place,
        start,
        node,
        isEnded,
        damaged: [...damaged.values()],
        isNewest,
        lostMs,
      };
    }
    const claim = await claimOf(store, slot, objects, onDamage);
    limit = claim?.base ?? { epoch: epoch - 1, number: Number.POSITIVE_INFINITY };
  }
  const nothing = { store: new ReplicaStore(), place: NOWHERE, start: NOWHERE };
  const isNewest = damaged.size === 0;
  return { ...nothing, node, isEnded: false, isNewest, damaged: [...damaged.values()], lostMs: 0 };
}

/** Whether the holder before `epoch` has said that nothing follows. @throws ObjectStoreError */
export async function hasEnded(store: ObjectStore, slot: string, epoch: number): Promise<boolean> {
  const last = objectsOf(await store.list(slot)).findLast((each) => each.epoch < epoch);
  return last?.kind === 'end';
}

async function newestChain(
  store: ObjectStore,
  slot: string,
  objects: readonly NamedObject[],
  onDamage: (object: NamedObject, reason: string) => void,
): Promise<Chain | null> {
  const starts = objects.filter(({ kind }) => kind === 'start').reverse();
  for (const start of starts) {
    const chain = await readChain(store, slot, start, objects, onDamage);
    if (chain !== null) return chain;
  }
  return null;
}

type Claim = Extract<Awaited<ReturnType<typeof readObject>>, { type: 'claim' }>;

async function claimOf(
  store: ObjectStore,
  slot: string,
  objects: readonly NamedObject[],
  onDamage: (object: NamedObject, reason: string) => void,
): Promise<Claim | null> {
  const claim = objects.findLast(({ kind }) => kind === 'claim');
  if (claim === undefined) return null;
  try {
    return (await readObject(store, slot, claim)) as Claim;
  } catch (error) {
    if (!(error instanceof DamagedObject)) throw error;
    onDamage(claim, error.message);
    return null;
  }
}

/** Whether the last word of the newest epoch is that this was all. */
async function endsAt(
  store: ObjectStore,
  slot: string,
  objects: readonly NamedObject[],
  chain: Chain,
  onDamage: (object: NamedObject, reason: string) => void,
): Promise<boolean> {
  const last = objects.at(-1);
  if (last?.kind !== 'end' || last.epoch !== chain.place.epoch) return false;
  try {
    const end = await readObject(store, slot, last);
    return end.type === 'end' && end.sequence === chain.store.sequence;
  } catch (error) {
    if (!(error instanceof DamagedObject)) throw error;
    onDamage(last, error.message);
    return false;
  }
}

/** From the state of the chain to the newest object that can be read and is not in it. */
async function lostBehind(
  store: ObjectStore,
  slot: string,
  objects: readonly NamedObject[],
  { place, wallMs }: Chain,
): Promise<number> {
  const parts = objects.filter(({ kind }) => kind !== 'claim' && kind !== 'end');
  for (const named of parts.reverse()) {
    if (!isBefore(place, named)) return 0;
    try {
      const { wallMs: itsMs } = await readObject(store, slot, named);
      return Math.max(1, itsMs - wallMs);
    } catch (error) {
      if (!(error instanceof DamagedObject)) throw error;
    }
  }
  return 0;
}
