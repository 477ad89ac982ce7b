// SPDX-License-Identifier: Apache-2.0

/*
 * Intervals, all as parts of the slot's lease. Safety depends on none of them. The least ones are what a timer of 1 ms
 * and a round with a write to the disk need: they count where the lease is short.
 */

/** Two durable rounds of the first candidate are done by then, as a rule. */
const RANK_DELAY_MS_MIN = 4;
/** What a slot may cost a busy host in two rounds, and until its first answer. */
const SLOT_ATTEMPT_MS = 0.5;
const SLOT_ANSWER_MS = 0.1;
/** Two timers that should not go off together are this far apart at the least. */
const SPREAD_MS_MIN = 2;
/** Longest that a holder that lets go asks who is first: an answer and a round are there by then, or it is better off without. */
const SEEK_MS_MAX = 10;
/** A deadline this close is the shortest that a loop with timers of 1 ms keeps without waking for nothing else. */
const HEIR_ASK_MS_MIN = 5_000;
const SLOT_HEIR_MS = 1;
const WATCH_MS_MIN = 4;
const WATCH_MS_MAX = 250;

/** A lease is renewed every third of it. */
export function renewalMs(leaseMs: number): number {
  return leaseMs / 3;
}

/**
 * The last moment up to a renewal's time after `nowMs` that lies on the common grid of this lease length, so that slots
 * are renewed together. `phase` in [0, 1) is the node's own: what shares a machine must not do so all at once.
 */
export function nextRenewalMs(leaseMs: number, nowMs: number, phase: number): number {
  const everyMs = renewalMs(leaseMs);
  const next = (Math.floor(nowMs / everyMs - phase) + 1 + phase) * everyMs;
  // Rounding may give the moment that is just over.
  return next > nowMs ? next : next + everyMs;
}

/** Spreads the phases of nodes evenly, however many there are. */
export function renewalPhase(node: number): number {
  return (node * 0.6180339887498949) % 1;
}

/** A request that was not answered is sent again, with its serial and first send time. */
export function retransmitMs(leaseMs: number): number {
  return leaseMs / 10;
}

/** When a round's request is sent again first; each further time is twice as far off. */
export function attemptRetransmitMs(leaseMs: number, slots: number): number {
  return retransmitMs(leaseMs) + slots * SLOT_ANSWER_MS;
}

/**
 * A round that found no majority by then is given up. With a thousand slots at once, as when a node dies that held them
 * all, each has to wait for the others.
 */
export function attemptMs(leaseMs: number, slots: number): number {
  return leaseMs / 2 + slots * SLOT_ATTEMPT_MS;
}

/** Candidates of rank k wait k of these, so that the first has its round done before the next begins. */
export function rankDelayMs(leaseMs: number, rank: number): number {
  return rank * Math.max(leaseMs / 10, RANK_DELAY_MS_MIN);
}

/** The same where a node has so many slots: the first candidate may have to ask for all of them at once. */
export function crowdedRankDelayMs(leaseMs: number, rank: number, slots: number): number {
  return rankDelayMs(leaseMs, rank) + rank * slots * SLOT_ANSWER_MS;
}

/** For how long a holder that lets go in any case asks for whom: never longer than the second candidate would leave the first. */
export function seekMs(leaseMs: number): number {
  return Math.min(rankDelayMs(leaseMs, 1), SEEK_MS_MAX);
}

/** After how long a new holder asks for an heir. Many slots that were taken at once are spread, by `part` in [0, 1): each is a write at every member. */
export function firstHeirAskMs(leaseMs: number, slots: number, part: number): number {
  return renewalMs(leaseMs) + (slots - 1) * 2 * SLOT_HEIR_MS * part;
}

/** How seldom a holder asks at the most whether its heir is ready still, and first in the queue. */
export function heirAskMs(leaseMs: number): number {
  return Math.max(20 * leaseMs, HEIR_ASK_MS_MIN);
}

/** An heir with less than this left of the lease would lose it before members have accepted its round: another way is quicker. */
export function heirLeastMs(): number {
  return 2 * RANK_DELAY_MS_MIN;
}

/** Drawn between 0 and this, for candidates that wait: two that believe themselves at one place must not collide. */
export function rankSpreadMs(leaseMs: number): number {
  return Math.max(leaseMs / 40, SPREAD_MS_MIN);
}

/**
 * Drawn between 0 and this by a candidate that found no majority. From the third time on end that it was refused
 * without a time this doubles, up to a lease: two that collide part quickly, and who cannot win yet does not ask for ever
 * as fast as it is answered.
 */
export function retrySpreadMs(leaseMs: number, vainTries: number): number {
  const once = 2 * rankSpreadMs(leaseMs);
  return Math.min(once * 2 ** Math.max(0, Math.min(vainTries, 16) - 2), Math.max(once, leaseMs));
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

/**
 * A node that waits for somebody's lease to run out asks to be called this often: only who had something to do can be
 * late. With `stallMs` it notices every stall of half a lease, and a lease in use has two thirds left.
 */
export function watchMs(leaseMs: number): number {
  return Math.min(Math.max(leaseMs / 6, WATCH_MS_MIN), WATCH_MS_MAX);
}

/** Added to a time left that a member told, against rounding. */
export const RETRY_MARGIN_MS = 0.01;

/** The earliest of these moments; undefined: there is none. */
export function earliest(moments: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const atMs of moments) if (atMs !== undefined && (first === undefined || atMs < first)) first = atMs;
  return first;
}
