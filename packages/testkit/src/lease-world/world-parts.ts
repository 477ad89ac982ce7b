// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput, LeaseRules } from '@vnfpool/core/lease';
import type { AgentManners } from './agent-manners.ts';
import type { Invariants } from './invariants.ts';
import type { SimulatedNetwork } from './network.ts';
import type { WorldPlan } from './options.ts';
import type { Schedule } from './schedule.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimNode } from './sim-node.ts';
import type { Trace } from './trace.ts';

/** Everything the nodes of one world share. */
export interface WorldParts {
  readonly plan: WorldPlan;
  readonly rules: LeaseRules;
  readonly manners: AgentManners;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly network: SimulatedNetwork;
  readonly invariants: Invariants;
  readonly trace: Trace;
  readonly nodes: Map<number, SimNode>;
  configuration(): Configuration;
  /** To be called after every change of a fence. */
  checkFences(): void;
  /** Faults between two outputs may still be drawn. */
  isFaulty(): boolean;
}

export type Configuration = Extract<LeaseInput, { type: 'configure' }>;
