// SPDX-License-Identifier: Apache-2.0
import type { StallReport } from '@vnfpool/wire/mobility';
import { rankDelayMs, rankSpreadMs, renewalMs } from './timing.ts';

/*
 * How fast a slot changes hands when the node of its holder dies, as a person says it: by a profile, by the outage that
 * is borne, or by the lease itself. All of them come down to the lease's length; every timer is a part of that.
 */

export type FailoverProfile = 'fast' | 'normal' | 'calm';

/** Lease of each profile, in ms; it is renewed every third of it: 8 ms, 100 ms, 1 s. */
export const FAILOVER_PROFILES: Readonly<Record<FailoverProfile, number>> = {
  fast: 24,
  normal: 300,
  calm: 3_000,
};

/** Shortest lease: with less, timers of 1 ms and the stalls of a good host are more than its parts. */
export const LEASE_MS_MIN: number = FAILOVER_PROFILES.fast;
export const LEASE_MS_MAX = 60_000;

/** A round: there and back within a site, and a write to the disk at either end. */
const DURABLE_ROUND_MS = 3;
/** Timer, word to the function, address, fence, announcement. */
const TAKE_OVER_MS = 4;
/** Leases are whole multiples of this, so that a renewal is a whole number of milliseconds. */
const LEASE_STEP_MS = 3;

/** A lease's length, and the outage that it was computed from where one was asked for, in ms. */
interface Pace {
  readonly leaseMs: number;
  readonly withinMs?: number | undefined;
}

/** What the outage of a slot consists of when its holder's node dies, in ms. All are upper bounds. */
export interface OutageParts {
  /** The lease may have been renewed in the node's last moment. */
  readonly leaseMs: number;
  /** The candidate that is first in the queue may be the one that is not ready: the second waits one place more. */
  readonly rankMs: number;
  /** Promise and acceptance, each on a majority's disks. */
  readonly roundsMs: number;
  readonly takeOverMs: number;
}

/**
 * The longest outage that users of a slot see when its holder's node dies, on a network that answers within a
 * millisecond and hosts that do not stall. A function that ends on a living node is replaced at once, and a planned
 * hand-over takes no lease at all.
 */
export function outageParts(leaseMs: number): OutageParts {
  return {
    leaseMs,
    rankMs: rankDelayMs(leaseMs, 1) + rankSpreadMs(leaseMs),
    roundsMs: 2 * DURABLE_ROUND_MS,
    takeOverMs: TAKE_OVER_MS,
  };
}

/** Sum of the parts, in ms. */
export function outageMs(leaseMs: number): number {
  const { rankMs, roundsMs, takeOverMs } = outageParts(leaseMs);
  return leaseMs + rankMs + roundsMs + takeOverMs;
}

/** Least outage that can be asked for, in ms. */
export const OUTAGE_MS_MIN: number = outageMs(LEASE_MS_MIN);

/** The longest lease whose outage is at most `withinMs`; undefined when that is less than `OUTAGE_MS_MIN`. */
export function leaseWithin(withinMs: number): number | undefined {
  if (withinMs < OUTAGE_MS_MIN) return undefined;
  // The outage grows with the lease: halve the range in which the longest one lies.
  let low = LEASE_MS_MIN / LEASE_STEP_MS;
  let high = LEASE_MS_MAX / LEASE_STEP_MS;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (outageMs(middle * LEASE_STEP_MS) <= withinMs) low = middle;
    else high = middle - 1;
  }
  return low * LEASE_STEP_MS;
}

/** Name of the profile with this lease, if there is one. */
export function profileOf(leaseMs: number): FailoverProfile | undefined {
  return PROFILE_NAMES.find((name) => FAILOVER_PROFILES[name] === leaseMs);
}

/** A lease, in one line: `normal: lease 300 ms, renewed every 100 ms`. */
export function describePace({ leaseMs, withinMs }: Pace): string {
  const name = withinMs === undefined ? profileOf(leaseMs) : `within ${withinMs} ms`;
  return `${name ? `${name}: ` : ''}lease ${leaseMs} ms, renewed every ${tidy(renewalMs(leaseMs))} ms`;
}

/** The same with what it means where somebody waits for the slot: `…; a dead node is replaced within 348 ms`. */
export function describeFailover(pace: Pace): string {
  return `${describePace(pace)}; a dead node is replaced within ${Math.ceil(outageMs(pace.leaseMs))} ms`;
}

/** The parts of an outage for a person: `24 ms lease, 6 ms for the second in the queue, …`. */
export function describeOutage(leaseMs: number): string {
  const { rankMs, roundsMs, takeOverMs } = outageParts(leaseMs);
  return `${leaseMs} ms lease, ${tidy(rankMs)} ms for the second in the queue, ${roundsMs} ms for two durable rounds, ${takeOverMs} ms to take over`;
}

/** What is wrong with a lease on a host that stalls like this, and which profile fits; undefined: it fits. */
export function stallAdvice(leaseMs: number, { p99Ms, maxMs }: StallReport): string | undefined {
  // A stall of a renewal's time costs one renewal; the lease has two thirds left.
  if (maxMs <= renewalMs(leaseMs)) return undefined;
  const fitting = PROFILE_NAMES.find((name) => maxMs <= renewalMs(FAILOVER_PROFILES[name]));
  const advice = fitting ? `profile ${fitting} fits` : 'no profile fits';
  return `stalled for up to ${maxMs} ms in the last minutes (99 of 100 times at most ${p99Ms} ms), and a lease of ${leaseMs} ms bears ${tidy(renewalMs(leaseMs))} ms: ${advice}`;
}

const PROFILE_NAMES: readonly FailoverProfile[] = ['fast', 'normal', 'calm'];

function tidy(ms: number): number {
  return Math.round(ms * 10) / 10;
}
