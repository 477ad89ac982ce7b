// SPDX-License-Identifier: Apache-2.0
import { birthDelayMs, LeaseRules } from '@vnfpool/core/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { CouncilPlan } from './council-plan.ts';
import { planFaults } from './faults.ts';
import { Invariants, Violation } from './invariants.ts';
import { SimulatedNetwork } from './network.ts';
import { NodeClock } from './node-clock.ts';
import {
  CREEP_JUDGED_MS,
  drawPlan,
  type LeaseWorldOptions,
  LIVENESS_LEASES,
  type WorldPlan,
} from './options.ts';
import { Schedule } from './schedule.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimNode, type WorldParts } from './sim-node.ts';
import { Trace } from './trace.ts';

export { type LeaseWorldOptions, LIVENESS_LEASES, type WorldPlan } from './options.ts';
export { Schedule } from './schedule.ts';
export { SeededRandom } from './seeded-random.ts';

export interface LeaseWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  /** The last lines before the violation, or before the end. */
  readonly trace: readonly string[];
  /** What happened, to see that a run was not empty. */
  readonly grants: number;
  /** Late fence writes together with a backward step of the wall clock, left out in the `nft` form. */
  readonly excluded: number;
  /** How often a node found its own clock outside of what is allowed, and inside again. */
  readonly clocksLeft: number;
  readonly clocksBack: number;
}

/** Events after which a world is called a storm; a healthy one has some 3,000. */
const EVENTS_MAX = 200_000;

/**
 * Runs council, holders, fences and clocks of one seed, and checks what must hold after every step. Equal seeds
 * give equal runs.
 */
export function runLeaseWorld(seed: number, options: LeaseWorldOptions = {}): LeaseWorldResult {
  const random = new SeededRandom(seed);
  const plan = drawPlan(random, options.override);
  const schedule = new Schedule();
  const network = new SimulatedNetwork(plan, random, schedule);
  const trace = new Trace(options.traceLines ?? 60);
  const invariants = new Invariants();
  const slots = ['00000000000000a1', '00000000000000a2'].slice(0, plan.slots);
  const nodes = new Map<number, SimNode>();
  const members = Array.from({ length: plan.nodes }, (_, index) => index + 1);
  const hosts = Array.from({ length: plan.nodes + plan.outsiders }, (_, index) => index + 1);
  let listed: readonly number[] = hosts;
  let { leaseMs } = plan;
  let grants = 0;

  const candidatesOf = (index: number, ids: readonly number[]) =>
    ids.map((node) => ({ node, functionId: node * 16 + index }));
  const definitions = (): SlotDefinition[] =>
    slots.map((id, index) => ({
      id,
      pool: 'pool',
      index,
      leaseMs,
      addresses: [],
      genesis: { randomId: '00000000000000e5', candidates: candidatesOf(index, hosts) },
      candidates: candidatesOf(index, listed),
      lastResort: { rule: 'never' },
    }));
  const openAt = (slot: string): number[] => {
    const open: number[] = [];
    for (const node of nodes.values()) {
      if (node.fence.openEpoch(slot, schedule.nowMs) !== undefined) open.push(node.id);
    }
    return open;
  };
  const parts: WorldParts = {
    plan,
    rules: options.rules ?? new LeaseRules(),
    random,
    schedule,
    network,
    invariants,
    trace,
    nodes,
    configuration: () => ({
      type: 'configure',
      council: council.definition,
      slots: definitions(),
    }),
    checkFences: () => {
      for (const slot of slots) invariants.fences(slot, openAt(slot));
    },
    isFaulty: () => schedule.nowMs < plan.calmAtMs,
  };
  const council = new CouncilPlan(parts, members, hosts);
  for (const id of hosts) {
    // A little less than half the bound to either side, so that each pair stays within it; or, where clocks are judged,
    // so that all are near the median.
    const most = plan.creep === 0 ? 0.48 : 0.15;
    const rate = 1 + random.pick([-most, most, random.between(-most, most)]) * plan.driftBound;
    const clock = new NodeClock(rate, random.between(1, 1e6), 1.7e12 + random.between(-500, 500));
    nodes.set(id, new SimNode(id, clock, slots, parts));
  }
  const all = [...nodes.values()];
  if (plan.creep !== 0) creep(random.pick(all).clock, plan);

  const finish = (violation?: string): LeaseWorldResult => {
    let excluded = 0;
    for (const { fence } of all) excluded += fence.excluded;
    return {
      ok: violation === undefined,
      ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
      trace: trace.lines(),
      grants,
      excluded,
      clocksLeft: invariants.clocksLeft,
      clocksBack: invariants.clocksBack,
    };
  };

  try {
    for (const node of all) schedule.after(random.between(0, 5), () => node.start());
    planFaults({
      parts,
      nodes: all,
      slots,
      changeCandidates: () => {
        const left = random.pick(hosts);
        leaseMs = random.pick([plan.leaseMs, plan.leaseMs / 2]);
        // Who is left after a forced decision must be one that the slot knows.
        const isWhole = plan.isForced || random.chance(0.4);
        listed = isWhole ? hosts : hosts.filter((id) => id !== left).reverse();
        trace.add(schedule.nowMs, () => `candidates are now ${listed.join(' ')}, lease ${leaseMs} ms`);
        for (const node of all) {
          schedule.after(random.between(0, 50), () => node.configure(parts.configuration()));
        }
      },
      changeCouncil: () => council.change(),
    });
    if (plan.isForced) {
      const atMs = random.between(50, plan.calmAtMs / 2);
      const left = random.below((plan.nodes - 1) / 2) + 1;
      schedule.at(atMs, () => {
        // Whoever is no member lives on, and may be one of those that decide.
        const members = council.definition.members
          .map((id) => nodes.get(id))
          .filter((node) => node !== undefined);
        for (const node of members.slice(left)) {
          node.retire();
        }
      });
      schedule.at(atMs + random.between(1, plan.leaseMs), () =>
        council.force(all.filter(({ isRetired }) => !isRetired)),
      );
    }
    schedule.at(plan.calmAtMs, () => {
      trace.add(schedule.nowMs, () => 'calm');
      network.calm();
      const spare = plan.leavesOneDead && !plan.isForced ? all.filter(council.canSpare) : [];
      const away = spare.length > 0 ? random.pick(spare) : undefined;
      for (const node of all) {
        if (node.isRetired) continue;
        if (node === away) {
          node.crash();
          continue;
        }
        node.start();
        node.resume();
        node.configure(parts.configuration());
        for (const slot of slots) {
          node.functionStarts(slot);
          node.tellCandidate(slot);
        }
      }
      // A crash that was planned to end later must not bring the dead one back.
      if (away !== undefined) away.retire();
    });
    const served = new Set<string>();
    // A slot that nobody has held yet leaves its first candidates time to start.
    const bornMs = birthDelayMs(plan.nodes);
    const boundMs =
      Math.max(plan.calmAtMs, bornMs) +
      LIVENESS_LEASES * plan.leaseMs +
      (plan.creep === 0 ? 0 : CREEP_JUDGED_MS);
    let events = 0;
    while (schedule.step(boundMs)) {
      events += 1;
      if (events > EVENTS_MAX) throw new Violation(`more than ${EVENTS_MAX} events`);
      if (schedule.nowMs > plan.calmAtMs) {
        for (const slot of slots) if (openAt(slot).length === 1) served.add(slot);
        if (served.size === slots.length) break;
      }
    }
    for (const slot of slots) {
      if (!served.has(slot) && !council.isHasty)
        throw new Violation(`${slot} not served ${LIVENESS_LEASES} leases after calm`);
    }
    grants = invariants.grants;
    return finish();
  } catch (error) {
    if (error instanceof Violation) return finish(error.message);
    throw error;
  }
}

/** A clock's rate goes away from the others' in small steps, stays there, and may come back. */
function creep(clock: NodeClock, { creep: most, creepReturns, calmAtMs, driftBound }: WorldPlan): void {
  const steps = 40;
  const stepMs = calmAtMs / steps;
  for (let step = 1; step < steps; step++) {
    const isBack = creepReturns && step > 0.8 * steps;
    const part = isBack ? 0 : Math.min(1, step / (0.6 * steps));
    clock.changeRate(step * stepMs, 1 + part * most * driftBound);
  }
}

export { LEASE_MUTATIONS } from './mutations.ts';
