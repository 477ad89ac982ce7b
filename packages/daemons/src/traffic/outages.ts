// SPDX-License-Identifier: Apache-2.0
import type { Outage } from '@vnfpool/core/management';

interface Success {
  readonly sentAt: number;
  readonly doneAt: number;
}

interface Gap {
  readonly lastOkAt: number;
  /** When the first request that failed in it was sent. */
  firstFailedSentAt: number;
  firstOkAt: number | null;
  failed: number;
  /** Of the first that was known to have failed. */
  readonly reason: string;
  told: number;
}

/** Successes remembered: enough to find the neighbours of a request that failed at a long deadline. */
const SUCCESSES_MAX = 4_096;
const GAPS_MAX = 256;
/** Characters. */
const REASON_MAX = 200;

/**
 * Finds outages in requests that overlap. A request that failed lies in the gap between the last request sent
 * before it that went well and the first one sent after it that went well; the outage runs from the completion
 * of the one to the completion of the other. A failure is often known only long after service is back, at the
 * request's own deadline: it is counted where it was sent, not where it ended.
 */
export class Outages {
  /** By time of sending. */
  readonly #successes: Success[] = [];
  readonly #gaps = new Map<number, Gap>();
  /** When the first request was sent that failed while none has gone well yet. */
  #neverSince: number | null = null;

  succeeded(sentAt: number, doneAt: number): void {
    this.#neverSince = null;
    let place = this.#successes.length;
    while (place > 0 && (this.#successes[place - 1]?.sentAt ?? 0) > sentAt) place -= 1;
    this.#successes.splice(place, 0, { sentAt, doneAt });
    if (this.#successes.length > SUCCESSES_MAX) this.#successes.shift();
    for (const gap of this.#gaps.values()) {
      if (gap.firstOkAt === null && sentAt > gap.firstFailedSentAt) gap.firstOkAt = doneAt;
    }
  }

  /** Before the first success there is no service yet that could have had an outage. */
  failed(sentAt: number, reason: string): void {
    const last = this.#successes.findLast((success) => success.sentAt < sentAt);
    if (!last) {
      if (this.#successes.length === 0) this.#neverSince ??= sentAt;
      return;
    }
    const known = this.#gaps.get(last.doneAt);
    if (known) {
      known.failed += 1;
      known.firstFailedSentAt = Math.min(known.firstFailedSentAt, sentAt);
      return;
    }
    const first = this.#successes.find((success) => success.sentAt > sentAt);
    this.#gaps.set(last.doneAt, {
      lastOkAt: last.doneAt,
      firstFailedSentAt: sentAt,
      firstOkAt: first?.doneAt ?? null,
      failed: 1,
      reason: reason.slice(0, REASON_MAX),
      told: 0,
    });
    if (this.#gaps.size > GAPS_MAX) {
      for (const oldest of this.#gaps.keys()) {
        this.#gaps.delete(oldest);
        break;
      }
    }
  }

  /** Start of an outage that goes on, or of the requests where none has gone well. */
  failingSince(): number | null {
    if (this.#neverSince !== null) return this.#neverSince;
    for (const gap of this.#gaps.values()) if (gap.firstOkAt === null) return gap.lastOkAt;
    return null;
  }

  /** Outages over, new or with a new count since the last call; `lastOkAt` names an outage. */
  takeEnded(): Outage[] {
    const ended: Outage[] = [];
    for (const gap of this.#gaps.values()) {
      if (gap.firstOkAt === null || gap.told === gap.failed) continue;
      gap.told = gap.failed;
      const { lastOkAt, firstOkAt, failed, reason } = gap;
      ended.push({ lastOkAt, firstOkAt, failed, reason });
    }
    return ended;
  }
}
