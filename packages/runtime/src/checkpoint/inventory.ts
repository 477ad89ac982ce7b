// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@vnfpool/store/objects';
import type { CheckpointPart } from '@vnfpool/wire/checkpoint';
import { answerWords, type FoundCheckpoint } from '@vnfpool/wire/mobility';
import { type NamedObject, objectsOf } from './names.ts';
import { DamagedObject, objectOf } from './read-object.ts';
import { type KeptState, readCheckpoints } from './reader.ts';

/** One object that is a piece of a checkpoint, as it was read. */
interface Piece {
  readonly named: NamedObject;
  readonly octets: number;
  /** Null: it cannot be read. */
  readonly part: CheckpointPart | null;
  /** Why; empty: it can be. */
  readonly damage: string;
}

/**
 * Every checkpoint that the store has of a slot, the oldest first: each object of it is read. What is removed meanwhile is left out.
 * @throws ObjectStoreError
 */
export async function listCheckpoints(
  store: ObjectStore,
  slot: string,
  signal: AbortSignal,
): Promise<readonly FoundCheckpoint[]> {
  const groups: Piece[][] = [];
  for (const named of objectsOf(await store.list(slot))) {
    if (named.kind === 'claim' || named.kind === 'end') continue;
    signal.throwIfAborted();
    const octets = await store.read(slot, named.name);
    if (octets === null) continue;
    const piece = pieceOf(octets, slot, named);
    const group = groups.at(-1);
    if (group !== undefined && belongs(group, piece)) group.push(piece);
    else groups.push([piece]);
  }
  signal.throwIfAborted();
  const kept = await readCheckpoints(store, slot);
  const names = new Set(await store.list(slot));
  return groups.filter((pieces) => pieces.every(({ named }) => names.has(named.name))).map(foundBy(kept));
}

function pieceOf(octets: Uint8Array, slot: string, named: NamedObject): Piece {
  try {
    const part = objectOf(octets, slot, named) as CheckpointPart;
    return { named, octets: octets.length, part, damage: '' };
  } catch (error) {
    if (!(error instanceof DamagedObject)) throw error;
    return { named, octets: octets.length, part: null, damage: error.message };
  }
}

/** Whether the piece goes on with the checkpoint of the pieces before it; of one that cannot be read its name tells. */
function belongs(group: readonly Piece[], { named, part }: Piece): boolean {
  const first = group[0] as Piece;
  if (named.epoch !== first.named.epoch || named.kind === 'start') return false;
  if (part !== null) return part.first === first.named.number;
  return named.kind === 'more' && first.named.kind === 'start';
}

function foundBy({ place, damaged }: KeptState): (pieces: readonly Piece[]) => FoundCheckpoint {
  return (pieces) => {
    const [first] = pieces as readonly [Piece, ...Piece[]];
    const last = pieces.at(-1) as Piece;
    const { epoch, number } = last.named;
    const readable = pieces.find(({ part }) => part !== null)?.part;
    // Also what only shows when the state is put together.
    const told = damaged.find((words) => pieces.some(({ named }) => words.startsWith(named.name)));
    return {
      epoch,
      first: first.named.number,
      number,
      kind: first.named.kind === 'delta' ? 'incremental' : 'full',
      wallMs: readable?.wallMs ?? 0,
      node: readable?.node ?? 0,
      sequence: last.part?.mark?.sequence ?? 0,
      octets: pieces.reduce((sum, piece) => sum + piece.octets, 0),
      damage: answerWords(
        pieces.find(({ damage }) => damage !== '')?.damage ?? missingOf(pieces) ?? told ?? '',
      ),
      isRestorable: place.epoch === epoch && place.number === number,
      ...(last.part?.mark ? { keys: last.part.mark.keys } : {}),
    };
  };
}

/** What is not there of a checkpoint whose pieces can all be read; null: nothing. */
function missingOf(pieces: readonly Piece[]): string | null {
  const numbers = pieces.map(({ named }) => named.number);
  const first = pieces[0]?.part?.first ?? 0;
  if (numbers.some((number, at) => number !== first + at)) return 'pieces of it are missing';
  return pieces.at(-1)?.part?.mark ? null : 'its last piece is missing';
}
