// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseCouncilVersion, Proposer } from '@vnfpool/wire/lease';

/** What a member must never forget about one slot. The last record of a slot replaces the earlier ones. */
export interface SlotRecord {
  readonly type: 'slot';
  readonly slot: string;
  /** Highest round promised and to whom; `closed`: it was released, nothing is accepted in it any more. */
  readonly promised: { readonly round: number; readonly proposer: Proposer; readonly closed: boolean };
  readonly accepted: AcceptedValue;
  /** Longest lease that may still run by what this member accepted of the current holder. */
  readonly longestLeaseMs: number;
}

/** The council that this node works under. */
export interface CouncilRecord {
  readonly type: 'council';
  readonly version: LeaseCouncilVersion;
  readonly members: readonly number[];
}

/** Whether this node's clock was found to run at another rate than the others': a restart does not mend it. */
export interface ClockRecord {
  readonly type: 'clock';
  readonly isOutside: boolean;
}

export type LeaseRecord = SlotRecord | CouncilRecord | ClockRecord;
