// SPDX-License-Identifier: Apache-2.0
import type { Cell, Vector } from './cell.ts';
import { GivenRanges } from './given-ranges.ts';
import type { Knowledge } from './knowledge.ts';

/** Cells that came to know more than the vector says. */
export class AheadCells {
  readonly #knowledge: Knowledge;
  /** How often each was looked at since. */
  readonly #cells = new Map<Cell, number>();
  /** What each knew when a step of ours was made of it. */
  readonly #told = new Map<Cell, Vector>();
  readonly #given: GivenRanges;
  /** How often what was given was looked at, and nothing more had come of what its givers knew. */
  #givenTimes = 0;
  /** The vector when they were last looked at. */
  #then: Vector = new Map();

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#given = new GivenRanges(knowledge);
  }

  note(cell: Cell): void {
    this.#cells.set(cell, 0);
  }

  delete(cell: Cell): void {
    this.#cells.delete(cell);
    this.#told.delete(cell);
  }

  /** A step of ours tells what it knows. */
  tell(cell: Cell): void {
    this.#cells.delete(cell);
    this.#told.set(cell, cell.seen);
  }

  /** Somebody who knows this gave all cells behind `after` up to `until`. */
  given(after: string | null, until: string | null, theirs: Vector): void {
    this.#given.add(after, until, theirs);
    this.#givenTimes = 0;
  }

  /** A cell comes to be there that was not. */
  begin(cell: Cell): void {
    cell.seen = this.#given.seenAt(cell.id);
    if (cell.seen.size > 0) this.note(cell);
  }

  /**
   * Whether cells are what the vector says, or their own steps tell what they know beyond it: then whoever has the same vector, and
   * can say that too, has the same cells.
   */
  get isNone(): boolean {
    for (const cell of this.#cells.keys()) {
      this.#knowledge.keepAhead(cell);
      if (!this.#isTold(cell)) return false;
      this.#cells.delete(cell);
    }
    return this.#givenTimes > 1 || this.#given.ahead().size === 0;
  }

  /** To be called now and then, not while much is arriving: those whose steps do not come, as whoever made them is gone. */
  stuck(): readonly Cell[] {
    const then = this.#then;
    this.#then = new Map(this.#knowledge.vector);
    const hasStopped = (name: string): boolean => this.#knowledge.version(name) === (then.get(name) ?? 0);
    if ([...this.#given.ahead().keys()].some(hasStopped)) this.#givenTimes += 1;
    const stuck: Cell[] = [];
    for (const [cell, times] of this.#cells) {
      this.#knowledge.keepAhead(cell);
      const isStuck = times > 0 && [...cell.seen.keys()].some(hasStopped);
      if (this.#isTold(cell)) this.#cells.delete(cell);
      else if (isStuck) stuck.push(cell);
      else this.#cells.set(cell, times + 1);
    }
    for (const cell of this.#told.keys()) {
      this.#knowledge.keepAhead(cell);
      if (cell.seen.size === 0) this.#told.delete(cell);
    }
    return stuck;
  }

  /** It knows no more than the vector says, or than was told: what was is not told again, or it would never end. */
  #isTold(cell: Cell): boolean {
    const told = this.#told.get(cell);
    for (const [name, version] of cell.seen) if (version > (told?.get(name) ?? 0)) return false;
    return true;
  }
}
