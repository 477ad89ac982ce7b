// SPDX-License-Identifier: Apache-2.0
import type { LeaseHolder, LeaseValue, Release, ReleaseReason, Successor } from '@vnfpool/wire/lease';
import type { Tally } from './tally.ts';

/* What one slot's proposer keeps in mind. */

export interface Candidate {
  readonly holder: LeaseHolder;
  readonly isReady: boolean;
  readonly rank: number;
}

/** The right to act, while it lasts. */
export interface Hold {
  /** Epoch of the grant; renumbering raises the current one. */
  readonly grantEpoch: number;
  readonly holder: LeaseHolder;
  round: number;
  value: LeaseValue;
  leaseUntilMs: number;
  isActivated: boolean;
  /** A member has promised a higher round, or the value is outdated: a renewal will not do. */
  mustRenumber: boolean;
  renewal: { serial: number; firstSentMs: number; tally: Tally; resendAtMs: number } | undefined;
  renewAtMs: number;
  /** Set from the order to let go until the kernel has closed the fence. */
  closing:
    | { reason: ReleaseReason; order: HandOver | undefined; ready: ReadySuccessor | undefined }
    | undefined;
}

export type ReadySuccessor = Omit<Successor, 'round'>;

/** A planned hand-over at the holder. */
export interface HandOver {
  readonly to: { readonly node: number; readonly functionId: number };
  readonly nonce: string;
  readonly serial: number;
  readonly untilMs: number;
  resendAtMs: number;
}

/** A release that is repeated until every member has confirmed it. */
export interface Retiring {
  readonly message: Release;
  readonly audience: readonly number[];
  readonly confirmed: Set<number>;
  readonly untilMs: number;
  resendAtMs: number;
}

/** A promise that this node waits for as the successor of a hand-over. */
export interface Expected {
  readonly serial: number;
  readonly nonce: string;
  readonly from: number;
  readonly untilMs: number;
}
