// SPDX-License-Identifier: Apache-2.0
import type { Hold } from './hold.ts';
import type { Slot } from './slot.ts';
import type { LeaseOutput } from './types.ts';

/** What is told of the slot for views: this node's hold, or else what it knows of another's. */
export class Observer {
  readonly #slot: Slot;
  #toldHeld: boolean | undefined;
  #toldEpoch = 0;
  #toldCandidates = 0;
  #toldReleased = false;

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  /** Undefined when nothing has changed. An epoch has one value, so these four tell two observations apart. */
  observe(hold: Hold | undefined, nowMs: number): Extract<LeaseOutput, { type: 'observed' }> | undefined {
    const { accepted, freeAtMs, releasedRound } = this.#slot.knowledge;
    const isReleased = hold === undefined && accepted !== undefined && accepted.released !== null;
    const value = hold?.value ?? accepted?.value;
    const known = hold?.round ?? accepted?.round ?? 0;
    const round = isReleased ? Math.max(known, releasedRound) : known;
    const isHeld =
      hold !== undefined || (accepted !== undefined && accepted.released === null && freeAtMs > nowMs);
    const epoch = this.#slot.epoch(round);
    const candidates = value?.candidates ?? [];
    if (
      this.#toldHeld === isHeld &&
      this.#toldEpoch === epoch &&
      this.#toldCandidates === candidates.length &&
      this.#toldReleased === isReleased
    ) {
      return undefined;
    }
    this.#toldHeld = isHeld;
    this.#toldEpoch = epoch;
    this.#toldCandidates = candidates.length;
    this.#toldReleased = isReleased;
    return {
      type: 'observed',
      slot: this.#slot.id,
      state: isHeld ? 'held' : 'free',
      holder: value === undefined || value.holder.node === 0 ? null : value.holder,
      epoch,
      candidates,
      isReleased,
    };
  }

  get isToldHeld(): boolean {
    return this.#toldHeld === true;
  }

  /** When what was told as held by another will be told as free. */
  freeAtMs(hold: Hold | undefined): number | undefined {
    return this.#toldHeld === true && hold === undefined ? this.#slot.knowledge.freeAtMs : undefined;
  }
}
