// SPDX-License-Identifier: Apache-2.0
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { missing } from './agreement.ts';
import { drawFaults, type PlannedFault, plan as planFault } from './faults.ts';
import { drawPlan, type RserpoolPlan, type RserpoolWorldOptions } from './options.ts';
import { Quiet, quietMs } from './quiet.ts';
import { RserpoolWorld } from './rserpool-world.ts';
import type { Counts } from './world.ts';

export interface RserpoolWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  /** The last lines before the violation, or before the end. */
  readonly trace: readonly string[];
  readonly plan: RserpoolPlan;
  readonly faults: readonly PlannedFault[];
  readonly counts: Counts;
  /** How long after the last fault of each round all was well, and how long it may take. */
  readonly wholeAfterMs: readonly number[];
  readonly wholeWithinMs: number;
  readonly steps: number;
}

/** From the last fault of a round to its calm, at most. */
const AFTERMATH_MS = 5_000;
/** Things that happen in one run at most, for each machine of it. */
const STEPS_MAX_BASE = 2_000_000;
const STEPS_MAX_A_MACHINE = 20_000;

/**
 * Runs the production cores of a whole operational scope with the faults of one seed, and checks what must hold while
 * they happen and after each round of them. Equal seeds give equal runs.
 */
export function runRserpoolWorld(seed: number, options: RserpoolWorldOptions = {}): RserpoolWorldResult {
  const random = new SeededRandom(seed);
  const plan = drawPlan(random, options.override);
  const faultRandom = new SeededRandom(random.u32());
  const world = new RserpoolWorld(random, plan, options.mutation ?? {}, options.traceLines ?? 80);
  const run = new Run(world);
  const faults: PlannedFault[] = [];
  const wholeAfterMs: number[] = [];
  world.start();
  const { wholeMs } = world.watch.bounds;
  for (let round = 0; round < plan.rounds && world.violation === undefined; round++) {
    if (round > 0 || !plan.faultsAtStart) {
      // What nobody disturbs is whole as soon as what was disturbed.
      const afterMs = run.untilWhole();
      if (afterMs === undefined) break;
    }
    world.isCalm = false;
    const drawn = drawFaults(world, faultRandom, faults.length + 1, world.nowMs);
    faults.push(...drawn);
    for (const fault of drawn) if (options.faults?.has(fault.number) !== false) planFault(world, fault);
    run.until((drawn.at(-1)?.atMs ?? world.nowMs) + faultRandom.between(0, AFTERMATH_MS));
    world.calm();
    const afterMs = run.untilWhole();
    if (afterMs === undefined) break;
    wholeAfterMs.push(afterMs);
    run.quiet();
  }
  const { violation, counts } = world;
  return {
    ok: violation === undefined,
    ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
    trace: world.lines(),
    plan,
    faults,
    counts,
    wholeAfterMs,
    wholeWithinMs: wholeMs,
    steps: run.steps,
  };
}

/** Lets time pass in a world, and looks at it now and then. */
class Run {
  steps = 0;
  readonly #world: RserpoolWorld;
  readonly #stepsMax: number;
  readonly #lookEveryMs: number;

  constructor(world: RserpoolWorld) {
    this.#world = world;
    const machines = world.registrars.length + world.elements.length + world.users.length;
    this.#stepsMax = STEPS_MAX_BASE + STEPS_MAX_A_MACHINE * machines;
    this.#lookEveryMs = (world.plan.profile === 'rfc' ? 2_000 : 1_000) * (machines > 200 ? 5 : 1);
  }

  until(atMs: number): void {
    const world = this.#world;
    while (world.violation === undefined && world.nowMs < atMs) {
      const lookMs = Math.min(atMs, world.nowMs + this.#lookEveryMs);
      while (world.violation === undefined && world.schedule.step(lookMs)) {
        this.steps += 1;
        if (this.steps > this.#stepsMax) world.fail(`more than ${this.#stepsMax} steps`);
      }
      world.watch.sample();
    }
  }

  /**
   * How long it took until everybody agreed, and went on to agree for as long as anything that was broken may lie
   * hidden; undefined: longer than it may.
   */
  untilWhole(): number | undefined {
    const world = this.#world;
    const { wholeMs, hiddenMs } = world.watch.bounds;
    const fromMs = world.nowMs;
    let wrongAtMs = fromMs;
    while (world.violation === undefined && world.nowMs - wrongAtMs < hiddenMs) {
      this.until(world.nowMs + this.#lookEveryMs);
      const lacks = missing(world);
      if (lacks === undefined) continue;
      wrongAtMs = world.nowMs;
      if (wrongAtMs - fromMs > wholeMs) world.fail(`${wholeMs.toFixed(0)} ms after the last fault: ${lacks}`);
    }
    return world.violation === undefined ? wrongAtMs - fromMs : undefined;
  }

  quiet(): void {
    const world = this.#world;
    const quiet = new Quiet(world);
    world.watch.quietSinceMs = world.nowMs;
    const untilMs = world.nowMs + quietMs(world);
    while (world.nowMs < untilMs && world.violation === undefined) {
      world.schedule.step(untilMs);
      this.steps += 1;
    }
    if (world.violation === undefined) quiet.end();
    world.watch.quietSinceMs = undefined;
  }
}
