// SPDX-License-Identifier: Apache-2.0

/** Windows in a row in which a member was asked and did not say anything, until it counts as silent. */
const WINDOWS = 3;

/**
 * Of which members of the council nothing is heard. Counted by the questions that they left open, not by the time: whoever
 * stood still itself has asked nobody, and takes nobody for silent.
 */
export class Hearing {
  readonly #open = new Map<number, number>();
  #silent: readonly number[] = [];

  /** In rising order; the same list until it changes. */
  get silent(): readonly number[] {
    return this.#silent;
  }

  /** Once a window: of these nothing was heard for a window, and they are asked now. Any other one was heard. */
  asked(members: readonly number[]): void {
    for (const node of this.#open.keys()) if (!members.includes(node)) this.#open.delete(node);
    for (const node of members) this.#open.set(node, (this.#open.get(node) ?? 0) + 1);
    // The first question of a row has not been answered by the second one.
    const silent = [...this.#open].filter(([, times]) => times > WINDOWS).map(([node]) => node);
    silent.sort((a, b) => a - b);
    if (silent.length === this.#silent.length && silent.every((node, at) => node === this.#silent[at]))
      return;
    this.#silent = silent;
  }
}
