// SPDX-License-Identifier: Apache-2.0

/** A word to the council on who may take over. */
export interface ListWord {
  readonly standbys: readonly number[];
  /** Grows from word to word; 0: none was said. */
  readonly serial: number;
}

/**
 * Who may take over, as far as the holder knows. Whoever is to be listed counts as listed from the first word of it to the
 * council; whoever is to be removed, until a value without it stands that has regard to the last word with it: a round may come through
 * though its answer is lost, and an answer be of a round from before.
 */
export class StandbyList {
  #wanted: ReadonlySet<number>;
  #possible: ReadonlySet<number>;
  #serial = 0;
  /** By standby, of the last word that named it; at most one more than there are places. */
  readonly #namedBy = new Map<number, number>();

  /** @param standing those of the value that stands */
  constructor(standing: Iterable<number>) {
    this.#wanted = new Set(standing);
    this.#possible = this.#wanted;
  }

  /** Who counts as listed. */
  get possible(): number[] {
    return [...this.#possible];
  }

  /** To be asked for from now on; undefined: it was already. */
  add(standby: number): ListWord | undefined {
    if (this.#wanted.has(standby)) return undefined;
    this.#wanted = new Set([...this.#wanted, standby]);
    this.#possible = new Set([...this.#possible, standby]);
    return this.word();
  }

  /** Not to be asked for any more; undefined: it was not. */
  remove(standby: number): ListWord | undefined {
    if (!this.#wanted.has(standby)) return undefined;
    this.#wanted = new Set([...this.#wanted].filter((each) => each !== standby));
    return this.word();
  }

  /** What is wanted, said anew. */
  word(): ListWord {
    this.#serial += 1;
    for (const standby of this.#wanted) this.#namedBy.set(standby, this.#serial);
    return { standbys: [...this.#wanted], serial: this.#serial };
  }

  /** A value with this list stands, no earlier one can come through any more, and it has regard to the words up to this one. */
  stands({ standbys, serial }: ListWord): void {
    for (const [standby, namedBy] of this.#namedBy) if (namedBy <= serial) this.#namedBy.delete(standby);
    this.#possible = new Set([...standbys, ...this.#wanted, ...this.#namedBy.keys()]);
  }
}
