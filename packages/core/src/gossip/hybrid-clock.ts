// SPDX-License-Identifier: Apache-2.0
import { TIME_MAX } from '@vnfpool/wire/gossip';

const COUNT_BITS = 16n;

/**
 * Times for registers: milliseconds since 1970 and a count, so that what was written after something was seen has a
 * later time, whatever the clocks of the two say.
 * @see Kulkarni et al., Logical Physical Clocks, 2014
 */
export class HybridClock {
  #last = 0n;

  /** A time later than all told or observed before; null: there is none, an observed one was at the end. */
  tick(wallMs: number): bigint | null {
    const wall = BigInt(Math.min(Math.max(Math.floor(wallMs), 0), 2 ** 47 - 1)) << COUNT_BITS;
    const next = wall > this.#last ? wall : this.#last + 1n;
    if (next > TIME_MAX) return null;
    this.#last = next;
    return next;
  }

  observe(time: bigint): void {
    if (time > this.#last) this.#last = time;
  }
}
