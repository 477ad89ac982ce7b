// SPDX-License-Identifier: Apache-2.0
import { Schedule } from '../lease-world/schedule.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import type { ReplicationMutation } from './mutations.ts';
import { ReplicationViolation } from './oracle.ts';
import { drawPlan } from './plan.ts';
import { ReplicationWorld } from './world.ts';

export { REPLICATION_MUTATIONS, type ReplicationMutation } from './mutations.ts';

export interface ReplicationWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  readonly trace: readonly string[];
  /** Take-overs by a standby of the list, planned ones and those with nobody of the list left. */
  readonly takeOvers: number;
  readonly handOvers: number;
  readonly lastResorts: number;
  /** Updates whose effects left the function. */
  readonly released: number;
  /** Frames that were lost, damaged, doubled, out of turn, or of a former connection. */
  readonly linkFaults: number;
  /** Standbys that found their state to be another than the holder's, and values that were damaged in their memory. */
  readonly differences: number;
  readonly memoryFaults: number;
  /** Values that were damaged in the memory of a holder, and how often its function was to tell its state anew. */
  readonly holderFaults: number;
  readonly toldAnew: number;
  /** Take-overs with a value that had been damaged within the second before, and was not found yet. */
  readonly damagedTakeOvers: number;
}

export interface ReplicationWorldOptions {
  readonly traceLines?: number;
  readonly mutation?: ReplicationMutation;
}

/** Virtual time with faults, and the calm behind it in which all has to be equal again. */
const FAULTY_MS = 1_500;
const CALM_MS = 4_000;
const EVENTS_MAX = 200_000;
/** Another course than that of the seed itself. */
const MORE = 0x5eed_0001;

/** Replication among two to four nodes with everything that can happen to them. Equal seeds give equal runs. */
export function runReplicationWorld(
  seed: number,
  options: ReplicationWorldOptions = {},
): ReplicationWorldResult {
  const random = new SeededRandom(seed);
  const more = new SeededRandom(seed ^ MORE);
  const schedule = new Schedule();
  const trace = new Trace(options.traceLines ?? 80);
  const world = new ReplicationWorld({
    plan: drawPlan(random, more),
    random,
    more,
    schedule,
    trace,
    mutation: options.mutation ?? {},
  });
  const finish = (violation?: string): ReplicationWorldResult => ({
    ok: violation === undefined,
    ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
    trace: trace.lines(),
    ...world.counts,
  });
  try {
    world.begin();
    let events = 0;
    const runUntil = (untilMs: number): void => {
      while (schedule.step(untilMs))
        if (++events > EVENTS_MAX) throw new ReplicationViolation(`more than ${EVENTS_MAX} events`);
    };
    runUntil(FAULTY_MS);
    world.calm();
    runUntil(FAULTY_MS + CALM_MS);
    world.checkEqual();
    return finish();
  } catch (error) {
    if (error instanceof ReplicationViolation) return finish(error.message);
    throw error;
  }
}
