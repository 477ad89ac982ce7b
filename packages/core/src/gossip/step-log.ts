// SPDX-License-Identifier: Apache-2.0
import type { Cell } from './cell.ts';

/** The cells that the last steps of one replica touched, without a gap: that of `base` + 1 first. */
export class StepLog {
  #base: number;
  #cells: Cell[] = [];

  constructor(base: number) {
    this.#base = base;
  }

  /** Steps up to and with this version are not kept any more. */
  get base(): number {
    return this.#base;
  }

  get length(): number {
    return this.#cells.length;
  }

  push(cell: Cell): void {
    cell.steps += 1;
    this.#cells.push(cell);
  }

  /** That of the step of this version. */
  at(version: number): Cell | undefined {
    return this.#cells[version - this.#base - 1];
  }

  /** Forgets steps up to and with `version`, and says which cells they touched; a later `version` leaves a gap behind it. */
  cut(version: number): readonly Cell[] {
    const gone = this.#cells.splice(0, Math.max(0, version - this.#base));
    for (const cell of gone) cell.steps -= 1;
    this.#base = Math.max(this.#base, version);
    return gone;
  }
}
