// SPDX-License-Identifier: Apache-2.0
import type { StandbyView } from '@vnfpool/core/replication';
import type { StandbyReport } from '@vnfpool/wire/mobility';

/** What a holder knows of its standbys, as it is reported; what was sent is told as a rate. */
export class StandbyMeter {
  #former: ReadonlyMap<number, StandbyView> = new Map();
  #readAtMs: number;

  constructor(nowMs: number) {
    this.#readAtMs = nowMs;
  }

  /** About once a second: rates are of the time since it was last called. */
  read(views: readonly StandbyView[], nowMs: number): StandbyReport[] {
    const former = this.#former;
    // What comes at once is not told as if it went on for a second.
    const seconds = Math.max(1, (nowMs - this.#readAtMs) / 1_000);
    this.#former = new Map(views.map((view) => [view.standby, view]));
    this.#readAtMs = nowMs;
    return views.map((view) => reportOf(view, former.get(view.standby), seconds));
  }
}

function reportOf(view: StandbyView, former: StandbyView | undefined, seconds: number): StandbyReport {
  const { standby, isListed, state, lagUpdates, lagMs, lagBytes, roundTripMs } = view;
  const {
    silentMs,
    updatesSent,
    bytesSent,
    underWayBytes,
    fills,
    agreed,
    differed,
    sinceAgreedMs,
    isDiffering,
    filledInMs,
    breaks,
  } = view;
  const rate = (now: number, before = 0): number => Math.round((now - before) / seconds);
  return {
    node: standby,
    isListed,
    state,
    lagUpdates,
    lagMs: rounded(lagMs),
    lagBytes,
    roundTripMs: orNull(roundTripMs),
    stream: {
      silentMs: orNull(silentMs),
      updatesPerSecond: rate(updatesSent, former?.updatesSent),
      bytesPerSecond: rate(bytesSent, former?.bytesSent),
      updatesSent,
      bytesSent,
      underWayBytes,
      fills,
    },
    digests: {
      agreed,
      differed,
      sinceAgreedMs: orNull(sinceAgreedMs),
      isDiffering,
      ...(filledInMs !== null && { filledInMs: rounded(filledInMs) }),
    },
    ...(breaks !== null && { breaks }),
  };
}

function orNull(ms: number | null): number | null {
  return ms === null ? null : rounded(ms);
}

/** A tenth of a millisecond is all that views show. */
function rounded(ms: number): number {
  return Math.round(Math.max(0, ms) * 10) / 10;
}
