// SPDX-License-Identifier: Apache-2.0

/** Steps that are told apart; with more, neighbours count as one, with the age of the elder. */
const STEPS_MAX = 1024;

/** When updates were made, as far as somebody lacks them: a standby's lag is the age of the first that it lacks. */
export class UpdateAges {
  /** Ascending: all up to `sequence`, and behind the one before, were made at `atMs` or later. */
  #steps: { readonly sequence: number; readonly atMs: number }[] = [];

  add(sequence: number, atMs: number): void {
    this.#steps.push({ sequence, atMs });
    if (this.#steps.length <= STEPS_MAX) return;
    this.#steps = this.#steps.flatMap((step, index, all) => {
      if (index % 2 === 1) return [];
      const { sequence: last } = all[index + 1] ?? step;
      return [{ sequence: last, atMs: step.atMs }];
    });
  }

  /** Everybody has these. */
  forget(sequence: number): void {
    let had = 0;
    while ((this.#steps[had]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) had++;
    if (had > 0) this.#steps.splice(0, had);
  }

  /** When the first update behind this one was made; undefined: there is none. */
  firstBehind(sequence: number): number | undefined {
    return this.#steps.find((step) => step.sequence > sequence)?.atMs;
  }
}
