// SPDX-License-Identifier: Apache-2.0

/** A standby that had another state counts as differing until its digests have agreed for so long: a bad memory fails more than once. */
const STEADY_MS = 5_000;

/** A stream that was refused or not understood counts as broken for so long: one that is, again and again, is so all the time. */
const BROKEN_MS = 5_000;

/** The pause doubles with each difference, and so many times at most. */
const DOUBLINGS_MAX = 6;

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
  /** Nothing is sent before: it has differed again and again, and would do so once more. */
  filledAtMs = 0;
  /** Since when none differed; undefined: none agreed since. */
  #steadySinceMs: number | undefined;
  #isDiffering = false;
  /** It has differed, and not agreed for long since: the next time there is a pause. */
  #isRepeated = false;
  /** Before it is filled anew once more. */
  #pauseMs = 0;
  readonly #firstPauseMs: number;
  /** How often a connection ended as one end refused what the other one said, and why the last did. */
  breaks = 0;
  breakReason = '';
  #brokenAtMs = -Infinity;

  /** @param firstPauseMs before it is filled anew when it has differed twice */
  constructor(firstPauseMs: number) {
    this.#firstPauseMs = firstPauseMs;
  }

  get isDiffering(): boolean {
    return this.#isDiffering;
  }

  /** @returns whether it had not broken lately */
  broke(reason: string, nowMs: number): boolean {
    const isNew = !this.isBroken(nowMs);
    this.breaks++;
    this.breakReason = reason;
    this.#brokenAtMs = nowMs;
    return isNew;
  }

  isBroken(nowMs: number): boolean {
    return nowMs - this.#brokenAtMs < BROKEN_MS;
  }

  /** It has reached a mark: its digest was that of the holder. */
  agree(nowMs: number): void {
    this.agreed++;
    this.agreedAtMs = nowMs;
    this.#steadySinceMs ??= nowMs;
    const steadyMs = nowMs - this.#steadySinceMs;
    if (steadyMs >= STEADY_MS) this.#isDiffering = false;
    if (steadyMs >= Math.max(STEADY_MS, this.#pauseMs)) this.#isRepeated = false;
  }

  /** It has another state than the holder had. */
  differ(nowMs: number): void {
    this.differed++;
    this.#steadySinceMs = undefined;
    this.#isDiffering = true;
    const longest = this.#firstPauseMs * 2 ** DOUBLINGS_MAX;
    const next = this.#pauseMs === 0 ? this.#firstPauseMs : Math.min(2 * this.#pauseMs, longest);
    this.#pauseMs = this.#isRepeated ? next : 0;
    this.#isRepeated = true;
    this.filledAtMs = nowMs + this.#pauseMs;
  }
}
