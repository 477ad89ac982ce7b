// SPDX-License-Identifier: Apache-2.0
import type { CopyContents } from '@vnfpool/runtime/flow-sharing';
import type { StateSource } from './state-source.ts';

/**
 * Gives a standby's copy to the function's end of the state, if that keeps it ready. The function may come later than the copy, and
 * another one in its place: whoever is there now gets all of it, and then what changes.
 */
export class StandbyFollowing {
  readonly #sourceHere: () => Promise<StateSource | null>;
  #copy: CopyContents | null = null;
  #source: StateSource | null = null;
  #isLooking = false;

  /** @param sourceHere the function's end of the state at this node now; null: there is none */
  constructor(sourceHere: () => Promise<StateSource | null>) {
    this.#sourceHere = sourceHere;
  }

  /** These keys of the copy have changed; null: any may have. */
  changed(copy: CopyContents, keys: readonly string[] | null): void {
    if (this.#copy === copy && this.#source !== null) {
      this.#source.follow?.(copy, keys);
      return;
    }
    this.#copy = copy;
    this.#source = null;
    this.look();
  }

  /** Another function may be there by now. */
  look(): void {
    if (this.#copy === null || this.#isLooking) return;
    this.#isLooking = true;
    void this.#look().finally(() => {
      this.#isLooking = false;
    });
  }

  /** The slot is taken here: what the source keeps ready is its own from now on. */
  pause(): void {
    this.#copy = null;
    this.#source = null;
  }

  /** This node is to have no copy any more. */
  async forget(): Promise<void> {
    const source = this.#source;
    this.pause();
    await source?.forget?.();
  }

  close(): Promise<void> {
    return this.forget();
  }

  async #look(): Promise<void> {
    const source = await this.#sourceHere();
    const copy = this.#copy;
    if (copy === null || source === null || source === this.#source) return;
    this.#source = source;
    source.follow?.(copy, null);
  }
}
