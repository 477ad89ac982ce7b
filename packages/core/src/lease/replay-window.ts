// SPDX-License-Identifier: Apache-2.0

/** Sequence numbers below the highest that may still come in. */
export const REPLAY_WINDOW = 64n;

export type ReplayVerdict = 'fresh' | 'replayed' | 'too-old' | 'old-incarnation';

/** What a window has let in. */
export interface ReplayState {
  readonly incarnation: bigint;
  readonly highest: bigint;
  /** Bit i: `highest - i` was seen. */
  readonly seen: bigint;
}

const NOTHING_SEEN: ReplayState = { incarnation: -1n, highest: -1n, seen: 0n };

/**
 * Lets each datagram of one peer in once: by its incarnation, of which a lower one is refused for ever, and its
 * sequence number within a window of 64. To be asked after the MAC was found right.
 */
export class ReplayWindow {
  #incarnation: bigint;
  #highest: bigint;
  #seen: bigint;

  /** @param state what a window of the process before has let in */
  constructor(state: ReplayState = NOTHING_SEEN) {
    this.#incarnation = state.incarnation;
    this.#highest = state.highest;
    this.#seen = state.seen;
  }

  get state(): ReplayState {
    return { incarnation: this.#incarnation, highest: this.#highest, seen: this.#seen };
  }

  accept(incarnation: bigint, sequence: bigint): ReplayVerdict {
    if (incarnation < this.#incarnation) return 'old-incarnation';
    if (incarnation > this.#incarnation) {
      this.#incarnation = incarnation;
      this.#highest = sequence;
      this.#seen = 1n;
      return 'fresh';
    }
    if (sequence > this.#highest) {
      const ahead = sequence - this.#highest;
      this.#seen = ahead >= REPLAY_WINDOW ? 1n : ((this.#seen << ahead) | 1n) & MASK;
      this.#highest = sequence;
      return 'fresh';
    }
    const behind = this.#highest - sequence;
    if (behind >= REPLAY_WINDOW) return 'too-old';
    const bit = 1n << behind;
    if ((this.#seen & bit) !== 0n) return 'replayed';
    this.#seen |= bit;
    return 'fresh';
  }
}

const MASK = (1n << REPLAY_WINDOW) - 1n;
