// SPDX-License-Identifier: Apache-2.0

/** Stop the function now, go round once more, or give up. */
export type ForecastDecision = 'quiesce' | 'again' | 'never';

/** A delta that is not smaller than this share of the one before gains nothing. */
const SHRINKING = 0.9;

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
  #deltaBytesBefore: number | null = null;
  #changePerSecond: number | null = null;

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
      this.#deltaBytesBefore = this.#deltaBytes;
      this.#deltaBytes = bytes;
      this.#changePerSecond = (bytes * 1000) / Math.max(1, this.#cutMs - this.#cutBeforeMs);
    }
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

  /** What changed since the newest part was cut; null while nobody can tell. */
  pendingBytes(nowMs: number): number | null {
    return this.#changePerSecond === null
      ? null
      : Math.ceil((this.#changePerSecond * (nowMs - this.#cutMs)) / 1000);
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
    if (pauseMs !== null && pauseMs <= this.#pauseMaxMs) return 'quiesce';
    const deltas = this.#parts - 1;
    if (deltas >= this.#deltasMax) return 'never';
    if (deltas < 2 || this.#deltaBytes === null || this.#deltaBytesBefore === null) return 'again';
    return this.#deltaBytes >= SHRINKING * this.#deltaBytesBefore ? 'never' : 'again';
  }

  #transferMs(bytes: number): number {
    return bytes === 0 || this.#bytes === 0 ? 0 : (bytes * this.#sendingMs) / this.#bytes;
  }
}
