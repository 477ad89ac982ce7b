// SPDX-License-Identifier: Apache-2.0
import type { NodeLeasesInput } from '../lease/index.ts';

type CandidateState = NodeLeasesInput & { readonly type: 'candidate-state' };

/** What functions say of being candidates, as it is told to the lease engine: who cannot raise an address is not ready. */
export class FitCandidates {
  readonly #unfitness: (slot: string) => string;
  /** What was said last, a slot each. */
  readonly #said = new Map<string, CandidateState>();
  /** Slots of which the engine was told that nobody is ready, as an address cannot be raised. */
  readonly #unfit = new Set<string>();

  /** `unfitness`: why this node cannot serve the slot; empty: it can. */
  constructor(unfitness: (slot: string) => string) {
    this.#unfitness = unfitness;
  }

  /** To be told in its place. Who holds the slot already goes on. */
  say(input: CandidateState): CandidateState {
    const { slot } = input;
    this.#said.set(slot, input);
    if (this.#unfitness(slot) === '') {
      this.#unfit.delete(slot);
      return input;
    }
    this.#unfit.add(slot);
    return { ...input, ready: false };
  }

  end({ slot, functionId }: NodeLeasesInput & { readonly type: 'candidate-gone' }): void {
    if (this.#said.get(slot)?.functionId === functionId) this.#said.delete(slot);
  }

  forget(slot: string): void {
    this.#said.delete(slot);
    this.#unfit.delete(slot);
  }

  /** What is to be told again, as the node has become fit, or is no more; undefined: nothing. */
  again(slot: string): CandidateState | undefined {
    const said = this.#said.get(slot);
    const isOther = this.#unfit.has(slot) !== (this.#unfitness(slot) !== '');
    return said !== undefined && isOther ? this.say(said) : undefined;
  }
}
