// SPDX-License-Identifier: Apache-2.0

/** How the instances of a pool get another version of its function. */
export interface DeclaredUpgrade {
  /** Instances that are being replaced, or prove themselves, at a time; 1 to 64. */
  readonly batch: number;
  /** The gate: an instance must be healthy without a break for so long before the next one's turn. */
  readonly gateMs: number;
  /** An instance that has not passed its gate so long after its turn has failed. */
  readonly deadlineMs: number;
  /** What follows from that. */
  readonly onFailure: 'stop' | 'rollback';
  /** A pool without standbys gets one instance more meanwhile, where a node has room, so that slots are handed over. */
  readonly surplus: boolean;
}

/** What a pool that says nothing of it means. */
export const UPGRADE_DEFAULT: DeclaredUpgrade = {
  batch: 1,
  gateMs: 5_000,
  deadlineMs: 60_000,
  onFailure: 'rollback',
  surplus: true,
};
