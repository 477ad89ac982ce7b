// SPDX-License-Identifier: Apache-2.0

/** Registrars whose trouble is told at most. */
const SHOWN_MAX = 4;

/** Why registrars were not reached, for whoever got no answer. */
export class Troubles {
  readonly #last = new Map<string, string>();

  note({ registrar, reason }: { readonly registrar: string; readonly reason: string }): void {
    this.#last.delete(registrar);
    this.#last.set(registrar, reason.includes(registrar) ? reason : `${registrar}: ${reason}`);
    const [oldest] = this.#last.keys();
    if (this.#last.size > SHOWN_MAX && oldest !== undefined) this.#last.delete(oldest);
  }

  /** The last of each registrar; empty when there was none. */
  toString(): string {
    return [...this.#last.values()].join('; ');
  }
}
