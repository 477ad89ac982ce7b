// SPDX-License-Identifier: Apache-2.0
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { Trace } from '../lease-world/trace.ts';
import type { ReplicationMutation } from './mutations.ts';
import type { ReplicationPlan } from './plan.ts';

export interface WorldParts {
  readonly plan: ReplicationPlan;
  readonly random: SeededRandom;
  /** For faults of the holder's memory: without them a seed goes as if there were none. */
  readonly more: SeededRandom;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly mutation: ReplicationMutation;
}

/** What happened, over a run. */
export interface WorldCounts {
  takeOvers: number;
  handOvers: number;
  lastResorts: number;
  released: number;
  linkFaults: number;
  differences: number;
  memoryFaults: number;
  damagedTakeOvers: number;
  holderFaults: number;
  toldAnew: number;
}

export const SLOT = '00000000000000a1';
export const KEYS = 6;
export const LEASE_MS = 60;
export const EVERY_MS = 20;
