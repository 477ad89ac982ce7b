// SPDX-License-Identifier: Apache-2.0
import type { StateLevel } from '../state-level/level.ts';

/** The level of a pool; on disk, so that a restart changes nothing. */
export interface SharingRecord {
  readonly pool: string;
  readonly level: StateLevel;
  /** By the wall clock. */
  readonly sinceMs: number;
}
