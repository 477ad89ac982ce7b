// SPDX-License-Identifier: Apache-2.0

/** Sequence numbers below the highest that may still come in. */
export const REPLAY_WINDOW = 64n;

export type ReplayVerdict = 'fresh' | 'replayed' | 'too-old' | 'old-incarnation';

/**
 * Lets each datagram of one peer in once: by its incarnation, of which a lower one is refused for ever, and its
 * sequence number within a window of 64. To be asked after the MAC was found right.
 */
export class ReplayWindow {
  #incarnation = -1n;
  #highest = -1n;
  /** Bit i: `highest - i` was seen. */
  #seen = 0n;

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
