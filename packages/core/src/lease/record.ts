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

export type LeaseRecord = SlotRecord | CouncilRecord;
