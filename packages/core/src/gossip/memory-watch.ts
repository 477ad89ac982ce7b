// SPDX-License-Identifier: Apache-2.0
import type { MergeableState } from './mergeable-state.ts';
import type { GossipEvent } from './types.ts';

/** Tells what a state finds out about its own memory. */
export class MemoryWatch {
  readonly #state: MergeableState;
  readonly #tell: (event: GossipEvent) => void;
  #found = 0;
  #isWaiting = false;

  constructor(state: MergeableState, tell: (event: GossipEvent) => void) {
    this.#state = state;
    this.#tell = tell;
  }

  /** To be called behind whatever may have looked. */
  note(): void {
    const { damagedCount, isDamaged } = this.#state;
    if (damagedCount > this.#found) {
      this.#tell({ type: 'damaged', count: damagedCount - this.#found });
      this.#found = damagedCount;
      this.#isWaiting = true;
    }
    if (!this.#isWaiting || isDamaged) return;
    this.#isWaiting = false;
    this.#tell({ type: 'mended' });
  }

  /** A peer has something else: it may be that only the digest is wrong. */
  recount(): void {
    if (!this.#state.recount()) this.#tell({ type: 'damaged', count: 0 });
  }
}
