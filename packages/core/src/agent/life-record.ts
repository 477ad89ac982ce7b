// SPDX-License-Identifier: Apache-2.0
import type { StandingRecord } from './standing.ts';
import type { RunNumber } from './types.ts';

/** What is to be known of a function after a restart of the agent. */
export interface LifeRecord {
  readonly phase: 'started' | 'idle' | 'terminating';
  readonly run: RunNumber;
  readonly incarnation: string;
  readonly healthy: boolean;
  readonly restarts: number;
  readonly awaitsState: boolean;
  /** Why it goes; null: it stays, or for no reason. */
  readonly leaving: string | null;
  /** As the lease knows it; absent: as `incarnation`. */
  readonly leaseIncarnation?: string;
  readonly standing?: StandingRecord;
}
