// SPDX-License-Identifier: Apache-2.0

const MS_MIN = 200;
const MS_MAX = 10_000;
/** Starts in a row that ended before they settled; from here on it is shown as failing. */
const FAILING_AFTER = 3;

/** How long a function that ended waits for its next start: each time twice as long, until it has run well for a while. */
export class BackOff {
  #unsettled = 0;

  /** It ended before it settled, or after. */
  ended(): void {
    this.#unsettled += 1;
  }

  settled(): void {
    this.#unsettled = 0;
  }

  /** It ends again and again. */
  get isFailing(): boolean {
    return this.#unsettled >= FAILING_AFTER;
  }

  waitMs(rule: { readonly backoffMsMin: number; readonly backoffMsMax: number } | undefined): number {
    const { backoffMsMin, backoffMsMax } = rule ?? { backoffMsMin: MS_MIN, backoffMsMax: MS_MAX };
    return Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#unsettled - 1, 20));
  }
}
