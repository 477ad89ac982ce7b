// SPDX-License-Identifier: Apache-2.0
import type { Hold } from './hold.ts';
import type { Slot } from './slot.ts';
import type { LeaseOutput } from './types.ts';

/** What is told of the slot for views: this node's hold, or else what it knows of another's. */
export class Observer {
  readonly #slot: Slot;
  #toldHeld = false;

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  observe(hold: Hold | undefined, nowMs: number): Extract<LeaseOutput, { type: 'observed' }> {
    const { accepted, freeAtMs } = this.#slot.knowledge;
    const value = hold?.value ?? accepted?.value;
    const round = hold?.round ?? accepted?.round ?? 0;
    const isHeld =
      hold !== undefined || (accepted !== undefined && accepted.released === null && freeAtMs > nowMs);
    this.#toldHeld = isHeld;
    return {
      type: 'observed',
      slot: this.#slot.id,
      state: isHeld ? 'held' : 'free',
      holder: value === undefined || value.holder.node === 0 ? null : value.holder,
      epoch: this.#slot.epoch(round),
      candidates: value?.candidates ?? [],
    };
  }

  /** When what was told as held by another will be told as free. */
  freeAtMs(hold: Hold | undefined): number | undefined {
    return this.#toldHeld && hold === undefined ? this.#slot.knowledge.freeAtMs : undefined;
  }
}
