// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder, LeaseValue, PromiseMessage, Refuse } from '@vnfpool/wire/lease';
import type { Tally } from './tally.ts';
import { lists } from './value.ts';

interface Round {
  readonly round: number;
  readonly serial: number;
  readonly firstSentMs: number;
  readonly tally: Tally;
  readonly refusals: Map<number, Refuse>;
  readonly holder: LeaseHolder;
  resendAtMs: number;
}

export interface Preparing extends Round {
  readonly phase: 'preparing';
  readonly promises: Map<number, PromiseMessage>;
}

export interface Proposing extends Round {
  readonly phase: 'proposing';
  readonly value: LeaseValue;
  /** Highest value that the promises reported: what this round follows on. */
  readonly former: AcceptedValue;
}

/** One round on its way. */
export type Attempt = Preparing | Proposing;

/** What a majority's promises allow: go on after `former`, or not. */
export type Verdict =
  | { readonly isAllowed: true; readonly former: AcceptedValue; readonly lossMark: boolean }
  | { readonly isAllowed: false; readonly former: AcceptedValue | undefined };

/**
 * A candidate goes on only if the *highest* value that its majority reported lists it, or if that value's last
 * resort admits it: every one of the majority has seen the lease over for long enough.
 */
export function judge(promises: Iterable<PromiseMessage>, candidate: LeaseHolder): Verdict {
  let former: AcceptedValue | undefined;
  let endedForMs = Number.POSITIVE_INFINITY;
  for (const { accepted, endedForMs: ended } of promises) {
    endedForMs = Math.min(endedForMs, ended);
    if (accepted !== null && (former === undefined || accepted.round > former.round)) former = accepted;
  }
  if (former === undefined) return { isAllowed: false, former };
  if (lists(former.value, candidate)) return { isAllowed: true, former, lossMark: false };
  const { lastResort } = former.value;
  if (lastResort.rule === 'after' && endedForMs >= lastResort.afterMs) {
    return { isAllowed: true, former, lossMark: true };
  }
  return { isAllowed: false, former };
}

/**
 * After how long enough of the refusing members could say yes; 0 when time is not what keeps them, undefined
 * when too few would.
 */
export function timeLeftMs(attempt: Attempt, majority: number): number | undefined {
  const waits = [...attempt.refusals.values()]
    .filter(({ reason }) => reason === 'leased' || reason === 'mute')
    .map((refusal) => refusal.timeLeftMs)
    .sort((a, b) => a - b);
  const needed = majority - attempt.tally.count;
  return needed <= 0 ? 0 : waits[needed - 1];
}
