// SPDX-License-Identifier: Apache-2.0
import { joinVectors, type Vector } from './cell.ts';
import type { Knowledge } from './knowledge.ts';

interface GivenRange {
  readonly after: string | null;
  readonly until: string | null;
  /** What its giver knew of these cells, also of those that it left out. */
  readonly seen: Vector;
}

/** Parts of some four walks through all that a state may have. Beyond it the oldest are forgotten. */
const RANGES_MAX = 4_096;

/**
 * Parts of everything that somebody gave while knowing more than the vector says. A cell that was left out may have been there, and
 * removed: if it comes from somebody else later, what the giver knew of it is not taken again.
 */
export class GivenRanges {
  readonly #knowledge: Knowledge;
  #ranges: GivenRange[] = [];

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  /** @param after,until ids of cells; null: the first, the last one */
  add(after: string | null, until: string | null, theirs: Vector): void {
    const seen = this.#aheadOf(theirs);
    if (seen.size === 0) return;
    const last = this.#ranges.at(-1);
    if (last !== undefined && after !== null && last.until === after && isSame(last.seen, seen)) {
      this.#ranges[this.#ranges.length - 1] = { after: last.after, until, seen };
      return;
    }
    this.#ranges.push({ after, until, seen });
    if (this.#ranges.length > RANGES_MAX) this.#ranges.shift();
  }

  /** What is known of a cell that is not there. */
  seenAt(id: string): Vector {
    let seen: Vector = new Map();
    for (const range of this.#ranges) {
      if ((range.after !== null && id <= range.after) || (range.until !== null && id > range.until)) continue;
      seen = joinVectors(seen, this.#aheadOf(range.seen));
    }
    return seen;
  }

  /** What any of them has beyond the vector; none: of those that it has reached nothing is kept. */
  ahead(): Vector {
    while (this.#ranges.length > 0) {
      const ahead = this.#aheadOf((this.#ranges[0] as GivenRange).seen);
      if (ahead.size > 0) return ahead;
      this.#ranges.shift();
    }
    return new Map();
  }

  #aheadOf(seen: Vector): Vector {
    return new Map([...seen].filter(([name, version]) => this.#knowledge.isAhead(name, version)));
  }
}

function isSame(one: Vector, other: Vector): boolean {
  return one.size === other.size && [...one].every(([name, version]) => other.get(name) === version);
}
