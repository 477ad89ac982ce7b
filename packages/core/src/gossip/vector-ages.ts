// SPDX-License-Identifier: Apache-2.0
import type { Vector } from './cell.ts';

/** Moments that are told apart; with more, neighbours count as one, with the age of the elder. */
const MOMENTS_MAX = 64;
const EVERY_MS = 1_000;

interface Moment {
  readonly atMs: number;
  /** All that it has was known by then. */
  readonly vector: Vector;
}

/** What was known here when: how long somebody lacks the first of it, to about a second. */
export class VectorAges {
  /** Ascending. */
  #moments: Moment[] = [];
  #notedAtMs = Number.NEGATIVE_INFINITY;

  /** Once a second at the most. @param others what each peer knows: of what all of them know no age is asked */
  note(vector: Vector, others: readonly Vector[], nowMs: number): void {
    if (nowMs < this.#notedAtMs + EVERY_MS) return;
    this.#notedAtMs = nowMs;
    const last = this.#moments.at(-1);
    if (last === undefined || !isCovered(vector, last.vector, vector))
      this.#moments.push({ atMs: nowMs, vector: new Map(vector) });
    const had = this.#moments.findIndex((moment) =>
      others.some((known) => !isCovered(moment.vector, known, vector)),
    );
    this.#moments.splice(0, had < 0 ? this.#moments.length : had);
    if (this.#moments.length <= MOMENTS_MAX) return;
    this.#moments = this.#moments.flatMap((moment, index, all) => {
      if (index % 2 === 1) return [];
      const { vector: later } = all[index + 1] ?? moment;
      return [{ atMs: moment.atMs, vector: later }];
    });
  }

  /** Since when something is known here that somebody with `known` lacks; undefined: nothing was known a second ago. */
  behindSinceMs(known: Vector, vector: Vector): number | undefined {
    return this.#moments.find((moment) => !isCovered(moment.vector, known, vector))?.atMs;
  }
}

/** Whether `known` has all of `vector`, but for replicas that are forgotten since. */
function isCovered(vector: Vector, known: Vector, present: Vector): boolean {
  for (const [name, version] of vector)
    if (present.has(name) && (known.get(name) ?? 0) < version) return false;
  return true;
}
