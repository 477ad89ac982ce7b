// SPDX-License-Identifier: Apache-2.0

/** One datagram of a window: the one that was on its way for the shortest time. */
export interface Point {
  readonly ownMs: number;
  /** Own clock less the peer's, with the time on the way. */
  readonly offsetMs: number;
}

/** What was measured of a peer, as plain data. */
export interface PeerClockRecord {
  readonly points: readonly Point[];
  readonly open: Point | null;
  readonly windowEndMs: number;
}

/** Windows that are remembered. */
const POINTS_MAX = 32;
/** Windows from one point to the other of a slope. */
const LAG = 4;
/** A jump of a clock or of the way falls into `LAG` slopes: it must not be half of them. */
const SLOPES_MIN = 10;

/**
 * How fast the own clock runs against one peer's, from the times that its datagrams carry.
 *
 * Of each window the datagram counts that was on its way for the shortest time, so that queues and late loops make no
 * difference. The rate is the median of the slopes between windows a few apart: a jump, as a pause of a virtual machine
 * or another route or a machine's start makes it, falls into few of them. What this cannot tell from a wrong clock is a way that becomes
 * longer, steadily, over all windows.
 */
export class PeerClock {
  readonly #windowMs: number;
  readonly #points: Point[] = [];
  #open: Point | undefined;
  #windowEndMs = Number.NEGATIVE_INFINITY;

  /** @param measured by the process before, on this very clock */
  constructor(windowMs: number, measured?: PeerClockRecord) {
    this.#windowMs = windowMs;
    if (measured === undefined) return;
    this.#points.push(...measured.points);
    this.#open = measured.open ?? undefined;
    this.#windowEndMs = measured.windowEndMs;
  }

  get record(): PeerClockRecord {
    return { points: [...this.#points], open: this.#open ?? null, windowEndMs: this.#windowEndMs };
  }

  /**
   * Takes what a datagram carried: `peerMs` by the peer's clock, received at `ownMs`. An agent that starts anew goes on
   * with its machine's clock; a machine that does, makes a jump.
   */
  add(peerMs: number, ownMs: number): void {
    if (ownMs >= this.#windowEndMs) {
      this.#close();
      this.#windowEndMs = ownMs + this.#windowMs;
    }
    const offsetMs = ownMs - peerMs;
    if (this.#open === undefined || offsetMs < this.#open.offsetMs) this.#open = { ownMs, offsetMs };
  }

  /**
   * Rate of the own clock against the peer's, less one: 0.01 is one in a hundred faster. Undefined while too little is
   * known, or when that is long ago.
   */
  rate(nowMs: number): number | undefined {
    const last = this.#points.at(-1);
    if (last === undefined || nowMs - last.ownMs > POINTS_MAX * this.#windowMs) return undefined;
    const slopes: number[] = [];
    for (let at = LAG; at < this.#points.length; at++) {
      const from = this.#points[at - LAG] as Point;
      const to = this.#points[at] as Point;
      slopes.push((to.offsetMs - from.offsetMs) / (to.ownMs - from.ownMs));
    }
    return slopes.length < SLOPES_MIN ? undefined : median(slopes);
  }

  /** When something was heard of it last. */
  get heardMs(): number {
    return this.#windowEndMs - this.#windowMs;
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#points.push(this.#open);
    if (this.#points.length > POINTS_MAX) this.#points.shift();
    this.#open = undefined;
  }
}

/** The middle; of an even number the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}
