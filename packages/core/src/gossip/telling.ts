// SPDX-License-Identifier: Apache-2.0
import {
  type CellPlace,
  cellBytes,
  FLOOR_BYTES,
  GOSSIP_FRAME_BYTES,
  type GossipCell,
  type GossipDelta,
  type GossipPart,
  type GossipRun,
  placeBytes,
  REPLICA_BYTES,
  RUN_BYTES,
  STEP_BYTES,
} from '@vnfpool/wire/gossip';
import type { Cell, Vector } from './cell.ts';
import type { DamagedCells } from './damaged-cells.ts';
import type { ToldKnowledge } from './knowledge.ts';
import type { StepLog } from './step-log.ts';

/** More do not have a place in a message. */
const CELLS_MAX = 0xffff;

/** Steps of one replica that somebody lacks: those behind `from`, up to `until`. */
export interface Lacking {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  readonly log: StepLog;
}

/**
 * Steps in the order of their versions, one replica after the other, as many as fit; of a replica none from the first on whose
 * cell is damaged.
 */
export function tellDelta(
  knowledge: ToldKnowledge,
  vector: Vector,
  lacking: readonly Lacking[],
  bytesMax: number,
  damaged: DamagedCells,
): Pick<GossipDelta, 'replicas' | 'floors' | 'hasMore' | 'cells' | 'runs'> {
  const places = placesOf(vector);
  const cells: GossipCell[] = [];
  const placeOfCell = new Map<Cell, number>();
  const runs: GossipRun[] = [];
  let left = bytesMax - frameBytes(knowledge);
  let hasMore = false;
  for (const { name, from, until, log } of lacking) {
    const steps: number[] = [];
    let version = from + 1;
    for (; version <= until; version += 1) {
      const cell = log.at(version);
      if (cell === undefined || (!placeOfCell.has(cell) && !damaged.isSound(cell))) break;
      let cost = STEP_BYTES + (steps.length === 0 ? RUN_BYTES : 0);
      let place = placeOfCell.get(cell);
      const told = place === undefined ? toWire(cell, vector, places) : undefined;
      if (told !== undefined) cost += cellBytes(told);
      // The first one always goes: a message has room for the largest cell.
      const isFirst = runs.length === 0 && steps.length === 0;
      if ((cost > left && !isFirst) || steps.length === CELLS_MAX || cells.length === CELLS_MAX) break;
      if (told !== undefined) {
        place = cells.push(told) - 1;
        placeOfCell.set(cell, place);
      }
      left -= cost;
      steps.push(place as number);
    }
    if (version <= until) hasMore = true;
    if (steps.length > 0) runs.push({ replica: places.get(name) as number, from, steps });
    if (left < 0) break;
  }
  return { ...knowledge, hasMore: hasMore || runs.length < lacking.length, cells, runs };
}

/**
 * Cells from one on, as many as fit. Empty ones are told by not being there, unless they know more than the vector. Null: the
 * first one is damaged.
 */
export function tellPart(
  knowledge: ToldKnowledge,
  vector: Vector,
  after: CellPlace | null,
  cells: Iterable<Cell>,
  bytesMax: number,
  damaged: DamagedCells,
): Pick<GossipPart, 'replicas' | 'floors' | 'after' | 'until' | 'cells'> | null {
  const places = placesOf(vector);
  const told: GossipCell[] = [];
  let left = bytesMax - frameBytes(knowledge) - (after === null ? 0 : placeBytes(after));
  for (const cell of cells) {
    if (!damaged.isSound(cell)) {
      const last = told.at(-1);
      return last === undefined ? null : { ...knowledge, after, until: placeOf(last), cells: told };
    }
    const wire = toWire(cell, vector, places);
    if (wire.entries.length === 0 && wire.seen.length === 0) continue;
    // With room for the place of the last one.
    const cost = cellBytes(wire);
    const last = told.at(-1);
    if (last !== undefined && (cost + placeBytes(cell.place) > left || told.length === CELLS_MAX))
      return { ...knowledge, after, until: placeOf(last), cells: told };
    told.push(wire);
    left -= cost;
  }
  return { ...knowledge, after, until: null, cells: told };
}

function toWire(cell: Cell, vector: Vector, places: ReadonlyMap<string, number>): GossipCell {
  const byPlace = (one: { readonly replica: number }, other: { readonly replica: number }): number =>
    one.replica - other.replica;
  const seen = [...cell.seen].flatMap(([name, version]) => {
    const replica = places.get(name);
    return replica === undefined || version <= (vector.get(name) ?? 0) ? [] : [{ replica, version }];
  });
  const entries = [...cell.entries].flatMap(([name, { version, value }]) => {
    const replica = places.get(name);
    return replica === undefined ? [] : [{ replica, version, value }];
  });
  return { ...cell.place, seen: seen.sort(byPlace), entries: entries.sort(byPlace) };
}

function placeOf({ kind, key, element }: CellPlace): CellPlace {
  return { kind, key, element };
}

function placesOf(vector: Vector): ReadonlyMap<string, number> {
  return new Map([...vector.keys()].map((name, at) => [name, at]));
}

function frameBytes({ replicas, floors }: ToldKnowledge): number {
  return GOSSIP_FRAME_BYTES + REPLICA_BYTES * replicas.length + FLOOR_BYTES * floors.length;
}
