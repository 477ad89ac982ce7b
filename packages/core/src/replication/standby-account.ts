// SPDX-License-Identifier: Apache-2.0

/** A standby that had another state counts as differing until its digests have agreed for so long: a bad memory fails more than once. */
const STEADY_MS = 5_000;

/** What went to one standby under an epoch, over all its connections, and how its digests compared. */
export class StandbyAccount {
  updatesSent = 0;
  /** Weight of these. */
  bytesSent = 0;
  /** How often all of the state was sent, for whatever reason. */
  fills = 0;
  agreed = 0;
  differed = 0;
  /** Undefined: never. */
  heardAtMs: number | undefined;
  agreedAtMs: number | undefined;
  /** Since when none differed; undefined: none agreed since. */
  #steadySinceMs: number | undefined;
  #isDiffering = false;

  get isDiffering(): boolean {
    return this.#isDiffering;
  }

  /** It has reached a mark: its digest was that of the holder. */
  agree(nowMs: number): void {
    this.agreed++;
    this.agreedAtMs = nowMs;
    this.#steadySinceMs ??= nowMs;
    if (nowMs - this.#steadySinceMs >= STEADY_MS) this.#isDiffering = false;
  }

  /** It has another state than the holder had. */
  differ(): void {
    this.differed++;
    this.#steadySinceMs = undefined;
    this.#isDiffering = true;
  }
}
