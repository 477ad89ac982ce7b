// SPDX-License-Identifier: Apache-2.0

/*
 * Intervals, all as parts of the slot's lease. Safety depends on none of them.
 */

/** A lease is renewed every third of it. */
export function renewalMs(leaseMs: number): number {
  return leaseMs / 3;
}

/** A request that was not answered is sent again, with its serial and first send time. */
export function retransmitMs(leaseMs: number): number {
  return leaseMs / 10;
}

/** A round that found no majority by then is given up. */
export function attemptMs(leaseMs: number): number {
  return leaseMs / 2;
}

/** Candidates of rank k wait k of these, so that the first has its round done before the next begins. */
export function rankDelayMs(leaseMs: number, rank: number): number {
  return (rank * leaseMs) / 10;
}

/**
 * At a slot's birth nobody is served yet, and functions start at different speeds: later candidates leave the
 * first one this much time each, so that a new pool begins as it is declared.
 */
export function birthDelayMs(position: number): number {
  return position * 2_000;
}

/** An unlisted candidate asks this seldom: the list may have changed without its knowledge. */
export function unlistedProbeMs(leaseMs: number): number {
  return leaseMs * 2;
}

/** A register that was asked for is asked for again after this time, seldomer the longer it stays away. */
export function gatherRepeatMs(leaseMs: number, repeats: number): number {
  return Math.max(retransmitMs(leaseMs), Math.min(1_000, retransmitMs(leaseMs) * 2 ** Math.min(repeats, 10)));
}

/** For how long a release is repeated to members that did not confirm it, and a hand-over may take. */
export function releaseRepeatMs(leaseMs: number): number {
  return leaseMs;
}

/** A loop that comes later than this was stalled. */
export function stallMs(leaseMs: number): number {
  return leaseMs / 3;
}

/** Added to a time left that a member told, against rounding. */
export const RETRY_MARGIN_MS = 0.01;
