// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import type { ReplicaMark, ReplicaUpdate } from '@vnfpool/wire/replication';
import { updateWeight } from '@vnfpool/wire/replication';

/** A state at one moment, or what changed up to then; values are those of the store, which never changes one in place. */
export interface Cut {
  /** 0: all of the state. */
  readonly from: number;
  readonly updates: readonly ReplicaUpdate[];
  readonly weight: number;
  readonly mark: Omit<ReplicaMark, 'clockUs'>;
}

/** What is behind `from`; 0: everything. Takes as long as going through those keys, and copies no value. */
export function cutOf(store: ReplicaStore, from: number): Cut {
  const updates: ReplicaUpdate[] = [];
  let weight = 0;
  const cursor = store.cursor(from);
  for (let next = cursor.next(); next !== undefined; next = cursor.next()) {
    const { key, value, sequence } = next;
    // Who begins with nothing has nothing to remove.
    if (value === null && from === 0) continue;
    const update = { key, value, sequence };
    updates.push(update);
    weight += updateWeight(update);
  }
  cursor.close();
  const { sequence, keys, digest } = store;
  return { from, updates, weight, mark: { sequence, keys, digest } };
}

/** Updates of one piece weigh this at most, or are one. */
const PART_WEIGHT = 1024 ** 2;

/** The updates in pieces that each fit an object; one at least. */
export function piecesOf({ updates }: Cut): ReplicaUpdate[][] {
  const pieces: ReplicaUpdate[][] = [[]];
  let weight = 0;
  for (const update of updates) {
    const more = updateWeight(update);
    if (weight > 0 && weight + more > PART_WEIGHT) {
      pieces.push([]);
      weight = 0;
    }
    pieces.at(-1)?.push(update);
    weight += more;
  }
  return pieces;
}
