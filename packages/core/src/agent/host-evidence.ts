// SPDX-License-Identifier: Apache-2.0
import type { HostPause, HostReport } from '@vnfpool/wire/mobility';

/** Pauses told; the oldest go first beyond it. */
const PAUSES_MAX = 8;
/** Pauses of one kind that are nearer than this are one: a starved node has not the time to tell each. */
const NEAR_MS = 5_000;

/** What a host shows of itself: whether its link has a carrier, and when it stood still. */
export class HostEvidence {
  #link: HostReport['link'];
  #pauses: readonly HostPause[] = [];

  /** It has lost its carrier, or has it again. */
  link({
    name,
    hasCarrier,
    wallMs,
  }: {
    readonly name: string;
    readonly hasCarrier: boolean;
    readonly wallMs: number;
  }): void {
    const lostAtMs = hasCarrier ? (this.#link?.lostAtMs ?? wallMs) : wallMs;
    this.#link = { name, hasCarrier, lostAtMs: Math.max(0, Math.round(lostAtMs)) };
  }

  paused({ kind, untilMs, forMs }: HostPause): void {
    const pause = { kind, untilMs: Math.max(0, Math.round(untilMs)), forMs: Math.max(0, Math.round(forMs)) };
    const last = this.#pauses.at(-1);
    if (last?.kind !== kind || pause.untilMs - last.untilMs > NEAR_MS)
      this.#pauses = [...this.#pauses, pause].slice(-PAUSES_MAX);
    else if (forMs > last.forMs) this.#pauses = [...this.#pauses.slice(0, -1), pause];
  }

  /** Undefined while there is nothing to tell: a link that never failed is nothing. */
  get report(): HostReport | undefined {
    if (this.#link === undefined && this.#pauses.length === 0) return undefined;
    return { ...(this.#link === undefined ? {} : { link: this.#link }), pauses: this.#pauses };
  }
}
