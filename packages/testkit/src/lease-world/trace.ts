// SPDX-License-Identifier: Apache-2.0

/** The last things that happened, newest last; at most `linesMax`, older ones fall out. */
export class Trace {
  readonly #entries: { readonly atMs: number; readonly text: () => string }[] = [];
  readonly #linesMax: number;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** `text` is made only when the trace is shown. */
  add(atMs: number, text: () => string): void {
    this.#entries.push({ atMs, text });
    if (this.#entries.length > 2 * this.#linesMax) this.#entries.splice(0, this.#linesMax);
  }

  lines(): string[] {
    return this.#entries
      .slice(-this.#linesMax)
      .map(({ atMs, text }) => `${atMs.toFixed(3).padStart(10)} ${text()}`);
  }
}
