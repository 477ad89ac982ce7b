// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, type PlatformError } from '@vnfpool/platform';
import type { Clock } from '../driver/index.ts';

/** A canary is sung so often: two requests to the kernel, under 0.2 ms. */
export const CANARY_EVERY_MS = 1_000;
/** One that is not heard for so long is missing. */
export const CANARY_SILENT_MS = 3_000;
/** A kernel that took none is asked for another one after this: an answer that does not come holds up all else. */
export const CANARY_REFUSED_MS = 10_000;

export interface CanaryWatchOptions {
  readonly clock: Clock;
  /** @throws PlatformError where the kernel takes none */
  readonly sing: (number: number) => void;
  /** Whether the kernel is to be asked at all now. */
  readonly isAsked: () => boolean;
  /** What was told is heard when this returns: whoever was held up himself is not to blame the kernel. */
  readonly flush: () => void;
  /** The kernel tells nothing, or does again. */
  readonly onSilence: (isSilent: boolean) => void;
  /** It takes no canary, so that nobody knows whether it tells; null: it does again. */
  readonly onRefused: (error: PlatformError | null) => void;
}

/** Whether the kernel tells anything at all: what is put into it now and then has to be told of. */
export class CanaryWatch {
  readonly #options: CanaryWatchOptions;
  #number = 0;
  /** Since when one is missing; null: none is. */
  #missingSinceMs: number | null = null;
  #isSilent = false;
  #isRefused = false;
  #cancel: () => void = () => undefined;

  constructor(options: CanaryWatchOptions) {
    this.#options = options;
    this.#beatAfter(CANARY_EVERY_MS);
  }

  /** For how long nothing was told, ms; null: it is. */
  get silentMs(): number | null {
    if (!this.#isSilent || this.#missingSinceMs === null) return null;
    return this.#options.clock.nowMs() - this.#missingSinceMs;
  }

  heard(number: number): void {
    this.#missingSinceMs = number < this.#number ? this.#options.clock.nowMs() : null;
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#options.onSilence(false);
  }

  /** Events were lost, of which it is told otherwise: canaries may be among them. */
  excuse(): void {
    if (!this.#isSilent) this.#missingSinceMs = null;
  }

  close(): void {
    this.#cancel();
  }

  #beatAfter(ms: number): void {
    const { clock } = this.#options;
    this.#cancel = clock.at(clock.nowMs() + ms, () => this.#beat());
  }

  #beat(): void {
    const { clock, flush, onSilence, isAsked } = this.#options;
    // First, as what is heard may end it all.
    this.#beatAfter(CANARY_EVERY_MS);
    const mayAsk = isAsked();
    if (!mayAsk) this.excuse();
    if (this.#missingSinceMs !== null) flush();
    const missingMs = this.#missingSinceMs === null ? 0 : clock.nowMs() - this.#missingSinceMs;
    if (missingMs >= CANARY_SILENT_MS && !this.#isSilent) {
      this.#isSilent = true;
      onSilence(true);
    }
    if (mayAsk) this.#sing();
  }

  #sing(): void {
    const { clock, sing, onRefused } = this.#options;
    this.#number++;
    const nowMs = clock.nowMs();
    const wasMissing = this.#missingSinceMs;
    this.#missingSinceMs ??= nowMs;
    try {
      sing(this.#number);
      if (this.#isRefused) onRefused(null);
      this.#isRefused = false;
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      this.#missingSinceMs = wasMissing;
      this.#cancel();
      this.#beatAfter(CANARY_REFUSED_MS);
      if (!this.#isRefused) onRefused(error);
      this.#isRefused = true;
    }
  }
}
