// SPDX-License-Identifier: Apache-2.0
import { Violation } from '../lease-world/invariants.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { planAddressFaults } from './address-faults.ts';
import { planFaults } from './faults.ts';
import { FullWorld } from './full-world.ts';
import { planMoves } from './move-actions.ts';
import {
  drawAddressesPlan,
  drawMovesPlan,
  drawPlan,
  type FullWorldOptions,
  MOVED_WITHIN_MS,
  QUIET_MS,
  WHOLE_WITHIN_MS,
} from './options.ts';
import { missing } from './whole.ts';
import type { Counts } from './world.ts';

export * as declarations from './declarations.ts';
export { FullWorld } from './full-world.ts';
export {
  type FullWorldOptions,
  type FullWorldPlan,
  MOVE_MUTATIONS,
  type MoveMutation,
  QUIET_MS,
  WHOLE_WITHIN_MS,
} from './options.ts';
export { missing } from './whole.ts';

export interface FullWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  /** The last lines before the violation, or before the end. */
  readonly trace: readonly string[];
  readonly counts: Counts;
  /** How long after the last fault all was well. */
  readonly wholeAfterMs: number;
  /** Moves of instances that were done, and that were not. */
  readonly moves: { readonly moved: number; readonly failed: number };
}

const CHECK_EVERY_MS = 250;
/** Things that happen in one run at most; a healthy one has some 50,000. */
const STEPS_MAX = 1_500_000;
/** Orders of the manager in one run at most. */
const ORDERS_MAX = 1_500;

/**
 * Runs the production cores of a whole set with the faults of one seed, and checks what must hold after every step
 * and in the end. Equal seeds give equal runs.
 */
export async function runFullWorld(seed: number, options: FullWorldOptions = {}): Promise<FullWorldResult> {
  const random = new SeededRandom(seed);
  const plan = drawPlan(random, options.override);
  const world = new FullWorld(random, plan, options.traceLines ?? 60, options.mutation);
  const withinMs = plan.moves === undefined ? WHOLE_WITHIN_MS : MOVED_WITHIN_MS;
  let steps = 0;
  let wholeAfterMs = Number.POSITIVE_INFINITY;

  const runUntil = async (atMs: number): Promise<void> => {
    while (world.violation === undefined && world.schedule.step(atMs)) {
      if (world.isWaiting) await world.settle();
      steps += 1;
      if (steps > STEPS_MAX) world.fail(`more than ${STEPS_MAX} steps`);
      if (world.counts.orders > ORDERS_MAX) world.fail(`more than ${ORDERS_MAX} orders`);
    }
    world.manager.checkDeclaration();
  };

  try {
    world.start();
    if (options.scenario) options.scenario(world);
    else {
      planFaults(world);
      planMoves(world);
      planAddressFaults(world, seed);
    }
    await runUntil(plan.calmAtMs);
    world.calm();
    await world.settle();
    const untilMs = plan.calmAtMs + withinMs;
    let lacks: string | undefined = 'nothing was looked at';
    while (lacks !== undefined && world.nowMs < untilMs && world.violation === undefined) {
      await runUntil(world.nowMs + CHECK_EVERY_MS);
      lacks = missing(world);
    }
    if (lacks !== undefined) world.fail(`${withinMs} ms after the last fault: ${lacks}`);
    else wholeAfterMs = world.nowMs - plan.calmAtMs;
    await keepsQuiet(world, runUntil);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    world.fail(error.message);
  }
  const { violation, counts } = world;
  return {
    ok: violation === undefined,
    ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
    trace: world.trace.lines(),
    counts,
    wholeAfterMs,
    moves: { moved: world.moves?.moved ?? 0, failed: world.moves?.failed ?? 0 },
  };
}

/** As `runFullWorld`, with room for instances to move, and somebody who moves them and drains nodes. */
export function runMovesWorld(seed: number, options: FullWorldOptions = {}): Promise<FullWorldResult> {
  return runFullWorld(seed, { ...options, override: { ...drawMovesPlan(seed), ...options.override } });
}

/** As `runFullWorld`, with addresses and links that go, and strangers that have one. */
export function runAddressesWorld(seed: number, options: FullWorldOptions = {}): Promise<FullWorldResult> {
  return runFullWorld(seed, { ...options, override: { ...drawAddressesPlan(seed), ...options.override } });
}

/** Once all is well nothing changes: nobody orders, moves or restarts anything. */
async function keepsQuiet(world: FullWorld, runUntil: (atMs: number) => Promise<void>): Promise<void> {
  if (world.violation !== undefined) return;
  // What was told last may still be on its way to the disk, and hand-overs that failed are given up after 10 s.
  // Whoever drains has them handed over at any time.
  const lateMs = world.plan.moves === undefined ? 1_500 : 11_000;
  await runUntil(Math.max(world.nowMs + lateMs, world.plan.calmAtMs + 6_500));
  const before = { ...world.counts };
  await runUntil(world.nowMs + QUIET_MS);
  if (world.violation !== undefined) return;
  const lacks = missing(world);
  if (lacks !== undefined) world.fail(`all was well, and then: ${lacks}`);
  for (const [what, count] of Object.entries(world.counts)) {
    const former = before[what as keyof Counts];
    if (count !== former) world.fail(`in the quiet ${what} went from ${former} to ${count}`);
  }
}
