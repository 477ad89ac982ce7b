// SPDX-License-Identifier: Apache-2.0
import { type Cell, ENTRY_OCTETS, type Vector } from './cell.ts';
import { StepLog } from './step-log.ts';

/** Steps that are looked at to say how much somebody lacks. */
const WEIGHED_MAX = 16_384;

/** The last steps of each replica. */
export class StepLogs {
  readonly #logs = new Map<string, StepLog>();
  readonly #vector: Vector;

  constructor(vector: Vector) {
    this.#vector = vector;
  }

  of(name: string): StepLog {
    let log = this.#logs.get(name);
    if (log === undefined) this.#logs.set(name, (log = new StepLog(this.#vector.get(name) ?? 0)));
    return log;
  }

  all(): Iterable<readonly [string, StepLog]> {
    return this.#logs;
  }

  /** Steps that are kept. */
  get length(): number {
    let length = 0;
    for (const log of this.#logs.values()) length += log.length;
    return length;
  }

  /** Those of a replica that is gone for good. @returns the cells that they touched */
  delete(name: string): readonly Cell[] {
    const cells = this.of(name).cut(Number.MAX_SAFE_INTEGER);
    this.#logs.delete(name);
    return cells;
  }

  /** Forgets the older half of the longest row, which there must be. @returns the cells that they touched */
  halve(): readonly Cell[] {
    let longest = new StepLog(0);
    for (const log of this.#logs.values()) if (log.length > longest.length) longest = log;
    return longest.cut(longest.base + Math.ceil(longest.length / 2));
  }

  /** Whether what somebody with this vector lacks touched this cell, or is not kept. */
  hasTouched(cell: Cell, known: Vector): boolean {
    for (const [name, until] of this.#vector) {
      const from = known.get(name) ?? 0;
      if (from >= until) continue;
      const log = this.of(name);
      if (from < log.base) return true;
      for (let version = from + 1; version <= until; version += 1) if (log.at(version) === cell) return true;
    }
    return false;
  }

  /** About how many octets of cells somebody with this vector lacks; where it lacks very much, or it is not kept, `all`. */
  octetsBehind(known: Vector, all: number): number {
    const cells = new Set<Cell>();
    let left = WEIGHED_MAX;
    for (const [name, until] of this.#vector) {
      const from = known.get(name) ?? 0;
      if (from >= until) continue;
      const log = this.of(name);
      left -= until - from;
      if (from < log.base || left < 0) return all;
      for (let version = from + 1; version <= until; version += 1) {
        const cell = log.at(version);
        if (cell !== undefined) cells.add(cell);
      }
    }
    let octets = 0;
    for (const { octets: filled, place } of cells)
      octets += filled > 0 ? filled : ENTRY_OCTETS + place.key.length + place.element.length;
    return octets;
  }
}
