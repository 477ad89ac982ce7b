// SPDX-License-Identifier: Apache-2.0
import type { Cell } from './cell.ts';
import type { CellTable } from './cell-table.ts';

/** Counted by us since a counter was found damaged. */
export interface HeldCount {
  plus: number;
  minus: number;
}

/** Cells, and octets of them, that are looked at in a round. */
const CELLS_A_ROUND = 512;
const OCTETS_A_ROUND = 262_144;

/**
 * Cells that memory has otherwise than they came. Nothing of them is told to others, and they are taken anew from somebody who has
 * all that we know of them; what only we know is in them alone, and stays until somebody writes or removes it here.
 */
export class DamagedCells {
  readonly #table: CellTable;
  readonly #cells = new Map<Cell, HeldCount>();
  /** Since this state is there. */
  found = 0;

  constructor(table: CellTable) {
    this.#table = table;
  }

  /** Those that are not mended yet. */
  get size(): number {
    return this.#cells.size;
  }

  all(): Iterable<Cell> {
    return this.#cells.keys();
  }

  held(cell: Cell): HeldCount | undefined {
    return this.#cells.get(cell);
  }

  /** Looks at the next ones. */
  look(): void {
    let octets = 0;
    for (
      let left = Math.min(CELLS_A_ROUND, this.#table.size);
      left > 0 && octets < OCTETS_A_ROUND;
      left -= 1
    ) {
      const cell = this.#table.next();
      if (cell === undefined) return;
      octets += cell.octets;
      this.isSound(cell);
    }
  }

  /** Looks at this one. */
  isSound(cell: Cell): boolean {
    if (this.#cells.has(cell)) return false;
    if (cell.isSound) return true;
    this.#cells.set(cell, { plus: 0, minus: 0 });
    this.found += 1;
    return false;
  }

  /** Others come first. */
  postpone(cell: Cell): void {
    const held = this.#cells.get(cell);
    if (held === undefined) return;
    this.#cells.delete(cell);
    this.#cells.set(cell, held);
  }

  /** It is as it came again, or nothing of what it was counts any more. */
  delete(cell: Cell): void {
    this.#cells.delete(cell);
  }
}
