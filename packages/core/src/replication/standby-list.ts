// SPDX-License-Identifier: Apache-2.0

/**
 * Who may take over, as far as the holder knows. Whoever is to be listed counts as listed from the first word of it to the
 * council; whoever is to be removed, until a value without it stands: a round may come through though its answer is lost.
 */
export class StandbyList {
  #wanted: ReadonlySet<number>;
  #possible: ReadonlySet<number>;

  /** @param standing those of the value that stands */
  constructor(standing: Iterable<number>) {
    this.#wanted = new Set(standing);
    this.#possible = this.#wanted;
  }

  /** Who counts as listed. */
  get possible(): number[] {
    return [...this.#possible];
  }

  /** Whom the council is to have. */
  get wanted(): number[] {
    return [...this.#wanted];
  }

  /** To be asked for from now on. @returns whether that is news */
  add(standby: number): boolean {
    if (this.#wanted.has(standby)) return false;
    this.#wanted = new Set([...this.#wanted, standby]);
    this.#possible = new Set([...this.#possible, standby]);
    return true;
  }

  /** @returns whether that is news */
  remove(standby: number): boolean {
    if (!this.#wanted.has(standby)) return false;
    this.#wanted = new Set([...this.#wanted].filter((each) => each !== standby));
    return true;
  }

  /** A value with this list stands, and no earlier one can come through any more. */
  stands(standing: Iterable<number>): void {
    this.#possible = new Set([...standing, ...this.#wanted]);
  }
}
