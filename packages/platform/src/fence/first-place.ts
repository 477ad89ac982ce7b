// SPDX-License-Identifier: Apache-2.0

/** How often the place is taken back... */
const TAKEN_MAX = 3;
/** ...in so many looks: ten minutes of two a second. */
const LOOKS = 1_200;

/**
 * The first place among the programs of a link, which somebody else may want as well. Each taking closes the fence until the
 * next renewal, so that two who both insist would keep it closed: who was overtaken too often lets the other one be.
 */
export class FirstPlace {
  #takenAt: number[] = [];
  #isLeft = false;

  /**
   * Somebody is ahead of us.
   * @param look number of this look
   * @returns what to do about it; `leave` once, `left` as long as it stays so
   */
  overtaken(look: number): 'take' | 'leave' | 'left' {
    this.#takenAt = this.#takenAt.filter((at) => look - at < LOOKS);
    if (this.#takenAt.length >= TAKEN_MAX) {
      const told = this.#isLeft ? 'left' : 'leave';
      this.#isLeft = true;
      return told;
    }
    this.#isLeft = false;
    this.#takenAt.push(look);
    return 'take';
  }
}
