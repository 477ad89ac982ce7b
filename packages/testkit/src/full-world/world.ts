// SPDX-License-Identifier: Apache-2.0
import { Invariants } from '../lease-world/invariants.ts';
import { SimulatedNetwork } from '../lease-world/network.ts';
import { Schedule } from '../lease-world/schedule.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import { Counters } from './counters.ts';
import type { FullWorldPlan, MoveMutation } from './options.ts';
import { StreamNetwork } from './streams.ts';

/** What all parts of one simulated world share. */
export class World {
  readonly plan: FullWorldPlan;
  readonly random: SeededRandom;
  readonly schedule: Schedule = new Schedule();
  readonly network: SimulatedNetwork;
  readonly streams: StreamNetwork;
  readonly invariants: Invariants = new Invariants();
  readonly trace: Trace;
  readonly counts: Counts = { orders: 0, taken: 0, starts: 0, writes: 0, events: 0 };
  /** Virtual addresses that somebody outside the set has now. */
  readonly strangers: Set<string> = new Set();
  /** What functions with state have acknowledged. */
  readonly counters: Counters = new Counters();
  /** A broken rule, which has to be found out. */
  readonly mutation: MoveMutation | undefined;
  /** What was broken first. */
  violation: string | undefined;
  isCalm = false;
  #pending: Promise<unknown>[] = [];

  constructor(random: SeededRandom, plan: FullWorldPlan, traceLines: number, mutation?: MoveMutation) {
    this.mutation = mutation;
    this.plan = plan;
    this.random = random;
    this.network = new SimulatedNetwork(plan, random, this.schedule);
    this.trace = new Trace(traceLines);
    this.streams = new StreamNetwork(this);
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  log(text: () => string): void {
    this.trace.add(this.schedule.nowMs, text);
  }

  /** The first one counts; the world stops after this step. */
  fail(violation: string): void {
    this.violation ??= violation;
  }

  /** Virtual time stands still until this has settled. */
  await(work: Promise<unknown>): void {
    this.#pending.push(work);
  }

  async settle(): Promise<void> {
    while (this.#pending.length > 0) await Promise.all(this.#pending.splice(0));
  }

  get isWaiting(): boolean {
    return this.#pending.length > 0;
  }
}

/** What happened so far; in the quiet at the end nothing of it may grow. */
export interface Counts {
  /** Orders of the manager to nodes. */
  orders: number;
  /** Slots taken. */
  taken: number;
  /** Starts of functions. */
  starts: number;
  /** Batches written to the manager's store. */
  writes: number;
  /** Events that the manager told. */
  events: number;
}
