// SPDX-License-Identifier: Apache-2.0

/** How digests of one peer compare with ours. */
export interface DigestsView {
  /** Since this life of the peer was met. */
  readonly differed: number;
  /** Since they agreed last; null: they never did. */
  readonly sinceAgreedMs: number | null;
  /** The last time that they were compared they were not the same. */
  readonly isDiffering: boolean;
}

/** Digests of one life of a peer, compared whenever it knew the same. */
export class Digests {
  #differed = 0;
  #agreedAtMs: number | null = null;
  #isDiffering = false;

  /** True: it is news that they agree, or differ. */
  compare(isSame: boolean, nowMs: number): boolean {
    const was = this.#isDiffering;
    this.#isDiffering = !isSame;
    if (isSame) this.#agreedAtMs = nowMs;
    else this.#differed += 1;
    return was !== this.#isDiffering;
  }

  view(nowMs: number): DigestsView {
    return {
      differed: this.#differed,
      sinceAgreedMs: this.#agreedAtMs === null ? null : nowMs - this.#agreedAtMs,
      isDiffering: this.#isDiffering,
    };
  }
}
