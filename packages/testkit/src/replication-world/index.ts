// SPDX-License-Identifier: Apache-2.0
import type { ReplicationBound } from '@vnfpool/core/replication';
import { Schedule } from '../lease-world/schedule.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import type { ReplicationMutation } from './mutations.ts';
import { ReplicationViolation } from './oracle.ts';
import { type ReplicationPlan, ReplicationWorld } from './world.ts';

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
}

export interface ReplicationWorldOptions {
  readonly traceLines?: number;
  readonly mutation?: ReplicationMutation;
}

/** Virtual time with faults, and the calm behind it in which all has to be equal again. */
const FAULTY_MS = 1_500;
const CALM_MS = 1_500;
const EVENTS_MAX = 200_000;
/** As where a pool asks for a loss in time: the age alone is the bound. */
const UPDATES_UNBOUNDED = 1_000_000;

/** Replication among three or four nodes with everything that can happen to them. Equal seeds give equal runs. */
export function runReplicationWorld(
  seed: number,
  options: ReplicationWorldOptions = {},
): ReplicationWorldResult {
  const random = new SeededRandom(seed);
  const schedule = new Schedule();
  const trace = new Trace(options.traceLines ?? 80);
  const world = new ReplicationWorld({
    plan: drawPlan(random),
    random,
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

function drawPlan(random: SeededRandom): ReplicationPlan {
  const nodes = random.pick([2, 3, 3, 4]);
  const updates = random.pick([0, 0, 1, 4, 20, UPDATES_UNBOUNDED]);
  const isAged = updates === UPDATES_UNBOUNDED || random.chance(0.3);
  const bound: ReplicationBound = {
    updates,
    overload: random.pick(['block', 'degrade']),
    acknowledgedBy: Math.min(random.pick([0, 1, 1, 2]), nodes - 1),
    ...(isAged && { ageMs: random.between(50, 300) }),
  };
  return {
    nodes,
    bound,
    delayMs: random.pick([0.5, 3, 20]),
    updateEveryMs: random.pick([1, 5, 40]),
    faultEveryMs: random.pick([60, 150, 400, 5_000]),
    removedMax: random.pick([1, 3, 1000]),
    keysMax: random.pick([3, 1000]),
    windowBytes: random.pick([1, 60, 100_000]),
    batchBytes: random.pick([1, 40, 32_768]),
    asideBytes: random.pick([1, 40, 100_000]),
  };
}
