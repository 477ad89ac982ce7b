// SPDX-License-Identifier: Apache-2.0

/** Stop the function now, go round once more, or give up. */
export type ForecastDecision = 'quiesce' | 'again' | 'never';

/** A delta that is not smaller than this share of the one before gains nothing. */
const SHRINKING = 0.9;
/** One may be a burst. */
const GAINLESS_MAX = 2;
/** A pause that fits is still put off for one more delta when that takes this share off it. */
const WORTH_A_DELTA = 0.25;

/**
 * How long the pause would be if the function stopped now, from what the parts so far took: octets per second of the way
 * there, octets per second of change, and the round trip behind each mark.
 */
export class Forecast {
  readonly #pauseMaxMs: number;
  readonly #deltasMax: number;
  #parts = 0;
  #bytes = 0;
  #sendingMs = 0;
  /** When the state of the newest part was cut: what changed later is not in it. */
  #cutMs = 0;
  #cutBeforeMs = 0;
  #markSentMs = 0;
  #overheadMs: number | null = null;
  #deltaBytes: number | null = null;
  /** Deltas in a row that gained nothing. */
  #gainless = 0;
  /** For how long the newest delta had gathered. */
  #deltaMs = 0;
  #changePerSecond: number | null = null;
  #isTold = false;

  constructor(pauseMaxMs: number, deltasMax: number) {
    this.#pauseMaxMs = pauseMaxMs;
    this.#deltasMax = deltasMax;
  }

  /** The function is asked for the next part. */
  cut(nowMs: number): void {
    this.#cutBeforeMs = this.#cutMs;
    this.#cutMs = nowMs;
  }

  /** All of a part was sent. `changePerSecond` is the function's word, null where it gives none. */
  sent(bytes: number, changePerSecond: number | null, nowMs: number): void {
    this.#markSentMs = nowMs;
    this.#bytes += bytes;
    if (this.#parts > 0) {
      const isGain = this.#deltaBytes === null || bytes < SHRINKING * this.#deltaBytes;
      this.#gainless = isGain ? 0 : this.#gainless + 1;
      this.#deltaBytes = bytes;
      this.#deltaMs = Math.max(1, this.#cutMs - this.#cutBeforeMs);
      this.#changePerSecond = (bytes * 1000) / this.#deltaMs;
    }
    this.#isTold = changePerSecond !== null;
    if (changePerSecond !== null) this.#changePerSecond = changePerSecond;
    this.#parts += 1;
  }

  /** It is in at the destination. */
  marked(nowMs: number): void {
    const overheadMs = nowMs - this.#markSentMs;
    this.#overheadMs = Math.min(this.#overheadMs ?? overheadMs, overheadMs);
    this.#sendingMs += nowMs - this.#cutMs;
  }

  /** 0 while nothing was measured. */
  get bytesPerSecond(): number {
    return this.#sendingMs === 0 ? 0 : (this.#bytes * 1000) / Math.max(1, this.#sendingMs);
  }

  /** Null while neither told nor measured. */
  get changePerSecond(): number | null {
    return this.#changePerSecond;
  }

  /**
   * What changed since the newest part was cut, at most; null while nobody can tell. Measured change says little of a
   * shorter time: what changes again and again counts once, so half the time may bring the whole of it.
   */
  pendingBytes(nowMs: number): number | null {
    const sinceMs = nowMs - this.#cutMs;
    if (this.#changePerSecond === null) return null;
    if (this.#isTold || this.#deltaBytes === null) return Math.ceil((this.#changePerSecond * sinceMs) / 1000);
    return Math.ceil(this.#deltaBytes * Math.max(1, sinceMs / this.#deltaMs));
  }

  /** The pause if the function stopped now: what is pending, and a round trip each for mark and commit. */
  expectedPauseMs(nowMs: number): number | null {
    const pending = this.pendingBytes(nowMs);
    if (pending === null || this.#overheadMs === null) return null;
    return this.#transferMs(pending) + 2 * this.#overheadMs;
  }

  /** What to do after a part is in. */
  decide(nowMs: number): ForecastDecision {
    const pauseMs = this.expectedPauseMs(nowMs);
    if (pauseMs !== null && pauseMs <= this.#pauseMaxMs)
      return this.#savedByDeltaMs(nowMs) > WORTH_A_DELTA * pauseMs ? 'again' : 'quiesce';
    const isHopeless = this.#gainless >= GAINLESS_MAX || this.#parts > this.#deltasMax;
    return isHopeless ? 'never' : 'again';
  }

  /**
   * By how much one more delta would shorten the pause: then only what changes during that delta is pending. 0 where it is
   * not the function's word how fast that is, or no more deltas are allowed.
   */
  #savedByDeltaMs(nowMs: number): number {
    const pending = this.pendingBytes(nowMs);
    if (!this.#isTold || pending === null || this.#overheadMs === null || this.#parts > this.#deltasMax)
      return 0;
    const sendMs = this.#transferMs(pending);
    const pendingThen = ((this.#changePerSecond ?? 0) * (sendMs + this.#overheadMs)) / 1000;
    return sendMs - this.#transferMs(pendingThen);
  }

  #transferMs(bytes: number): number {
    return bytes === 0 || this.#bytes === 0 ? 0 : (bytes * this.#sendingMs) / this.#bytes;
  }
}
