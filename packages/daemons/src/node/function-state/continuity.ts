// SPDX-License-Identifier: Apache-2.0
import type { StateKind } from '@vnfpool/wire/function-socket';
import { FunctionStateError } from './function-state.ts';

/**
 * Deltas count only behind a snapshot, and one after the other: after one whose fate is not known the next would leave
 * a hole, or come twice. One of these for each direction.
 */
export class Continuity {
  readonly #what: string;
  #unbroken = false;

  constructor(what: 'export' | 'import') {
    this.#what = what;
  }

  /** Runs a transfer; throws `out-of-sequence` for a delta that has nothing to continue. */
  async run<Result>(kind: StateKind, move: () => Promise<Result>): Promise<Result> {
    if (kind !== 'snapshot' && !this.#unbroken)
      throw new FunctionStateError(
        'out-of-sequence',
        `${this.#what} of a ${kind}, but none before it has succeeded: begin with a snapshot`,
      );
    this.#unbroken = false;
    const result = await move();
    this.#unbroken = true;
    return result;
  }

  /** Whatever was moved counts no more. */
  reset(): void {
    this.#unbroken = false;
  }
}
