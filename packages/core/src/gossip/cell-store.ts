// SPDX-License-Identifier: Apache-2.0
import { type CellPlace, type GossipCell, REPLICAS_MAX } from '@vnfpool/wire/gossip';
import { AheadCells } from './ahead-cells.ts';
import type { GossipBounds } from './bounds.ts';
import { type Cell, ENTRY_OCTETS, joinVectors, textOf, type Vector } from './cell.ts';
import { CellTable } from './cell-table.ts';
import { DamagedCells } from './damaged-cells.ts';
import { HybridClock } from './hybrid-clock.ts';
import { Knowledge } from './knowledge.ts';
import type { GossipRules } from './rules.ts';
import { StepLogs } from './step-logs.ts';
import type { Refusal } from './types.ts';

const NOTHING = new Uint8Array(0);
/** What others bring may be this many times what is allowed to be made here. */
const OVERSHOOT = 2;

/** The cells of one state and what goes with them: which steps are known and kept, and which cells are to be told of or looked at. */
export class CellStore {
  /** Name of the replica whose steps are made here. */
  readonly self: string;
  readonly bounds: GossipBounds;
  readonly rules: GossipRules;
  readonly cells: CellTable = new CellTable();
  readonly knowledge: Knowledge = new Knowledge();
  readonly vector: Map<string, number> = this.knowledge.vector;
  readonly logs: StepLogs = new StepLogs(this.vector);
  readonly ahead: AheadCells = new AheadCells(this.knowledge);
  readonly damaged: DamagedCells = new DamagedCells(this.cells);
  readonly clock: HybridClock = new HybridClock();
  /** Empty cells; they go when nobody has to be told of them. */
  readonly empties: Set<Cell> = new Set();
  /** Others know steps of this replica that were not made in this life. */
  isReused = false;

  constructor(self: string, bounds: GossipBounds, rules: GossipRules) {
    this.self = self;
    this.bounds = bounds;
    this.rules = rules;
  }

  /** Why this life cannot change anything any more; null: it can. */
  get retired(): 'gone' | 'incarnation' | null {
    if (this.knowledge.isForgotten(this.self)) return 'gone';
    return this.isReused ? 'incarnation' : null;
  }

  /** Null: it can make a step. */
  mayChange(): Refusal | null {
    if (this.retired !== null) return this.retired;
    if (!this.vector.has(this.self) && this.vector.size >= this.bounds.replicasMax) return 'replicas';
    return null;
  }

  /** The cell there, which may come to be by this. */
  take(place: CellPlace): Cell {
    const known = this.cells.get(place);
    if (known !== undefined) return known;
    const cell = this.cells.take(place);
    this.ahead.begin(cell);
    return cell;
  }

  /** Nothing of what was in it counts any more. */
  restore(cell: Cell): void {
    this.damaged.delete(cell);
    cell.clear();
  }

  /** Version of the next step of ours, which touches this cell. */
  step(cell: Cell): number {
    const version = this.version(this.self) + 1;
    this.logs.of(this.self).push(cell);
    this.vector.set(this.self, version);
    return version;
  }

  /** Not for what is known of all cells, which the vector says: see `keepAhead` of `Knowledge`. */
  see(cell: Cell, seen: Vector): void {
    if (this.rules.keepsSeen()) cell.seen = joinVectors(cell.seen, seen);
    if (cell.isEmpty) this.empties.add(cell);
  }

  /** @param names of replicas that a message lists; null: forgotten */
  hasRoom(names: readonly (string | null)[], cells: readonly GossipCell[]): boolean {
    const strangers = names.filter((name) => name !== null && !this.vector.has(name)).length;
    if (strangers > 0 && this.vector.size + strangers > REPLICAS_MAX) return false;
    let added = 0;
    let octets = 0;
    for (const cell of cells) {
      const mine = this.cells.get(cell);
      if (mine === undefined) added += 1;
      octets += cell.key.length + cell.element.length - (mine?.octets ?? 0);
      for (const { value } of cell.entries)
        octets += ENTRY_OCTETS + (value.kind === 'register' ? value.value.length : 0);
    }
    const { cellsMax, octetsMax, stepsMax } = this.bounds;
    return (
      this.cells.size + added <= OVERSHOOT * cellsMax + stepsMax &&
      (octets <= 0 || this.cells.octets + octets <= OVERSHOOT * octetsMax)
    );
  }

  /** Entries of a cell have changed by what others told. */
  note(cell: Cell, keys: Map<string, Uint8Array>): void {
    keys.set(textOf(cell.place.key), cell.place.key);
    this.changed(cell);
  }

  /** To be called whenever entries of a cell have changed. */
  changed(cell: Cell): void {
    this.cells.changed(cell);
    if (cell.isEmpty) this.empties.add(cell);
    else this.empties.delete(cell);
  }

  limitSteps(): void {
    if (this.logs.length <= this.bounds.stepsMax) return;
    while (this.logs.length > this.bounds.stepsMax) this.release(this.logs.halve());
    this.sweep();
  }

  /** Steps that touched them are not kept any more. */
  release(cells: readonly Cell[]): void {
    for (const cell of cells) if (cell.isEmpty) this.empties.add(cell);
  }

  /** Empty cells go when no step of them is kept and the vector says all that they say. */
  sweep(): void {
    for (const cell of this.empties) {
      if (!cell.isEmpty) this.empties.delete(cell);
      if (!cell.isEmpty || cell.steps > 0 || this.damaged.held(cell) !== undefined) continue;
      this.knowledge.keepAhead(cell);
      if (cell.seen.size > 0) continue;
      this.empties.delete(cell);
      this.ahead.delete(cell);
      this.cells.delete(cell);
    }
  }

  /** Undefined: there is nothing in it. */
  filled(kind: CellPlace['kind'], key: Uint8Array, element: Uint8Array = NOTHING): Cell | undefined {
    const cell = this.cells.get({ kind, key, element });
    return cell === undefined || cell.isEmpty ? undefined : cell;
  }

  version(name: string): number {
    return this.vector.get(name) ?? 0;
  }

  /** Undefined: nobody counts there, or it was removed. */
  counter(key: Uint8Array): number | undefined {
    const cell = this.filled('counter', key);
    const held = cell && this.damaged.held(cell);
    return cell && cell.count() + (held ? held.plus - held.minus : 0);
  }
}
