// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import type { ObjectStore } from '@vnfpool/store/objects';
import type { CheckpointPart, CheckpointPlace } from '@vnfpool/wire/checkpoint';
import { isBefore, type NamedObject } from './names.ts';
import { DamagedObject, readObject } from './read-object.ts';

/** A state that a holder had, put together from a full checkpoint and those behind it. */
export interface Chain {
  readonly store: ReplicaStore;
  /** The last object that is in it. */
  readonly place: CheckpointPlace;
  /** When its state was, by the clock of its holder. */
  readonly wallMs: number;
  /** The first object of its full checkpoint. */
  readonly start: CheckpointPlace;
}

interface Run {
  readonly first: number;
  readonly parts: CheckpointPart[];
}

/**
 * Reads from `start` on, in order; what is damaged is left out, and with it what builds upon it. Null: its full checkpoint cannot be
 * had. @param objects of one epoch, ascending @param onDamage once for each object
 */
export async function readChain(
  store: ObjectStore,
  slot: string,
  start: NamedObject,
  objects: readonly NamedObject[],
  onDamage: (object: NamedObject, reason: string) => void,
): Promise<Chain | null> {
  let chain = null as Chain | null;
  let run: Run | null = null;
  for (const named of objects) {
    if (isBefore(named, start) || named.kind === 'claim' || named.kind === 'end') continue;
    // A later full one is not needed to go on, nor does it harm.
    if (chain !== null && named.kind !== 'delta') continue;
    let part: CheckpointPart;
    try {
      part = (await readObject(store, slot, named)) as CheckpointPart;
    } catch (error) {
      if (!(error instanceof DamagedObject)) throw error;
      onDamage(named, error.message);
      if (named.number === start.number) return null;
      run = null;
      continue;
    }
    run = continued(run, part);
    if (run === null || part.mark === null) continue;
    const taken = took(chain?.store ?? null, run, part.mark);
    if (taken === 'gap') {
      run = null;
      continue;
    }
    if (taken === 'differs') {
      onDamage(named, `${named.name}: its state is another`);
      if (chain === null) return null;
      // What was taken in cannot be taken back: once more, up to where it was right.
      const { place } = chain;
      const good = objects.filter((each) => !isBefore(place, each));
      return readChain(store, slot, start, good, onDamage);
    }
    const { epoch, number } = named;
    chain = { store: taken, place: { epoch, number }, wallMs: part.wallMs, start: chain?.start ?? start };
    run = null;
  }
  return chain;
}

/** Null: pieces before this one are missing. */
function continued(run: Run | null, part: CheckpointPart): Run | null {
  if (part.first === part.number) return { first: part.first, parts: [part] };
  if (run === null || run.first !== part.first || run.parts.at(-1)?.number !== part.number - 1) return null;
  run.parts.push(part);
  return run;
}

/** The state with all pieces of one checkpoint. */
function took(
  former: ReplicaStore | null,
  { parts }: Run,
  mark: NonNullable<CheckpointPart['mark']>,
): ReplicaStore | 'gap' | 'differs' {
  const from = parts[0]?.from ?? 0;
  if (from > (former?.sequence ?? 0)) return 'gap';
  const store = former ?? new ReplicaStore();
  for (const { updates } of parts) {
    for (const { key, value, sequence } of updates) {
      if (!store.hasRoomFor(key, value)) return 'differs';
      store.apply(key, value, sequence);
    }
  }
  // Of removals before a full one nothing is known.
  if (former === null) store.completeTo(mark.sequence, mark.sequence);
  else store.completeTo(mark.sequence);
  return store.keys === mark.keys && store.digest === mark.digest ? store : 'differs';
}
