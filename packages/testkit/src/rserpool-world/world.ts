// SPDX-License-Identifier: Apache-2.0
import { PROFILES, type ScopeProfile } from '@vnfpool/core/scope';
import { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import type { RserpoolMutation } from './mutation.ts';
import { Network } from './network.ts';
import type { RserpoolPlan } from './options.ts';
import { Process } from './process.ts';
import { Traffic } from './traffic.ts';

/** What happened in a run, to see that it was not idle. */
export interface Counts {
  registrations: number;
  resolved: number;
  unresolved: number;
  takeoversWon: number;
  moved: number;
  mismatches: number;
  refused: number;
  failed: number;
}

/** What all parts of one simulated world share. */
export class World {
  readonly plan: RserpoolPlan;
  readonly profile: ScopeProfile;
  readonly random: SeededRandom;
  readonly mutation: RserpoolMutation;
  readonly schedule: Schedule = new Schedule();
  readonly network: Network;
  readonly traffic: Traffic;
  readonly counts: Counts = {
    registrations: 0,
    resolved: 0,
    unresolved: 0,
    takeoversWon: 0,
    moved: 0,
    mismatches: 0,
    refused: 0,
    failed: 0,
  };
  /** What was broken first. */
  violation: string | undefined;
  isCalm = false;
  /** Chance that a handle update is lost without a trace. */
  updateLoss = 0;
  readonly #trace: Trace;
  #lastProcess = 0;

  constructor(random: SeededRandom, plan: RserpoolPlan, mutation: RserpoolMutation, traceLines: number) {
    this.random = random;
    this.plan = plan;
    this.mutation = mutation;
    this.profile = PROFILES[plan.profile];
    this.network = new Network(this);
    this.traffic = new Traffic(this);
    this.#trace = new Trace(traceLines);
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  process(name: string): Process {
    const process = new Process(this, ++this.#lastProcess, name);
    this.network.add(process);
    return process;
  }

  log(text: () => string): void {
    if (this.violation === undefined) this.#trace.add(this.nowMs, text);
  }

  fail(violation: string): void {
    if (this.violation !== undefined) return;
    this.log(() => `VIOLATION ${violation}`);
    this.violation = violation;
  }

  lines(): string[] {
    return this.#trace.lines();
  }
}
