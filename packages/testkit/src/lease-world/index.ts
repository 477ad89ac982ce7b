// SPDX-License-Identifier: Apache-2.0
import { birthDelayMs, LeaseRules } from '@vnfpool/core/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { CouncilPlan } from './council-plan.ts';
import { planFaults } from './faults.ts';
import { Invariants, Violation } from './invariants.ts';
import { SimulatedNetwork } from './network.ts';
import { drawRate, NodeClock } from './node-clock.ts';
import {
  CREEP_JUDGED_MS,
  drawPlan,
  type LeaseWorldOptions,
  LIVENESS_LEASES,
  QUIET_LEASES,
  REST_LEASES,
  type WorldPlan,
} from './options.ts';
import { Schedule } from './schedule.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimNode } from './sim-node.ts';
import { Trace } from './trace.ts';
import type { WorldParts } from './world-parts.ts';

export { type AgentManners, BROKEN_AGENTS, type BrokenAgent } from './agent-manners.ts';
export { LEASE_MUTATIONS, LIVENESS_MUTATIONS } from './mutations.ts';
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
  /** How many of them an heir had, without a decision. */
  readonly inherited: number;
  /** Late fence writes together with a backward step of the wall clock, left out in the `nft` form. */
  readonly excluded: number;
  /** How often a node found its own clock outside of what is allowed, and inside again. */
  readonly clocksLeft: number;
  readonly clocksBack: number;
}

const SHARING: NonNullable<SlotDefinition['sharing']> = {
  method: 'replicate',
  lossUpdates: 0,
  acknowledgedBy: 1,
  overload: 'block',
};

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
  network.onCut = (from, to) => {
    nodes.get(to)?.peerReset(from);
    nodes.get(from)?.peerReset(to);
  };
  const members = Array.from({ length: plan.nodes }, (_, index) => index + 1);
  const hosts = Array.from({ length: plan.nodes + plan.outsiders }, (_, index) => index + 1);
  let listed: readonly number[] = hosts;
  let { leaseMs } = plan;

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
      ...(plan.shares
        ? { lastResort: { rule: 'after', afterMs: plan.leaseMs }, sharing: SHARING }
        : { lastResort: { rule: 'never' } }),
    }));
  const openAt = (slot: string): number[] => {
    const open: number[] = [];
    for (const node of nodes.values()) {
      if (node.fence.openEpoch(slot, schedule.nowMs) !== undefined) open.push(node.id);
    }
    return open;
  };
  /** Who serves; a fence that is open at a dead node lets nobody through to anybody. */
  const serving = (slot: string): number | undefined => {
    const [node, ...others] = openAt(slot);
    const isOne = node !== undefined && others.length === 0;
    return isOne && nodes.get(node)?.isAlive === true ? node : undefined;
  };
  const parts: WorldParts = {
    plan,
    rules: options.rules ?? new LeaseRules(),
    manners: options.manners ?? {},
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
    const rate = drawRate(random, plan);
    const clock = new NodeClock(rate, random.between(1, 1e6), 1.7e12 + random.between(-500, 500));
    nodes.set(id, new SimNode(id, clock, slots, parts));
  }
  const all = [...nodes.values()];
  const creeping = plan.creep === 0 ? undefined : random.pick(all);
  if (creeping !== undefined) creep(creeping, schedule, plan);

  const finish = (violation?: string): LeaseWorldResult => {
    let excluded = 0;
    for (const { fence } of all) excluded += fence.excluded;
    return {
      ok: violation === undefined,
      ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
      trace: trace.lines(),
      grants: invariants.grants,
      inherited: invariants.inherited,
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
      steadyClocks: all.filter((node) => node !== creeping),
      slots,
      changeCandidates: () => {
        const left = random.pick(hosts);
        // Who is left after a forced decision may never have heard of a longer lease that the dead have granted: that is not promised.
        leaseMs = random.pick([plan.leaseMs, plan.isForced ? plan.leaseMs : plan.leaseMs / 2]);
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
    // A slot that nobody has held yet leaves its first candidates time to start.
    const bornMs = birthDelayMs(plan.nodes);
    // Whoever is outside lets go, and whoever was taken for outside comes back: that is to be over first.
    const judgedAtMs = plan.calmAtMs + (plan.creep === 0 ? 0 : CREEP_JUDGED_MS);
    const resortMs = plan.shares ? plan.leaseMs : 0;
    const boundMs = Math.max(judgedAtMs, bornMs) + LIVENESS_LEASES * plan.leaseMs + resortMs;
    const restMs = REST_LEASES * plan.leaseMs;
    const steady = new Map(slots.map((slot) => [slot, { node: serving(slot), sinceMs: schedule.nowMs }]));
    let events = 0;
    while (schedule.step(boundMs + restMs)) {
      events += 1;
      if (events > EVENTS_MAX) throw new Violation(`more than ${EVENTS_MAX} events`);
      if (schedule.nowMs <= plan.calmAtMs) continue;
      let isAtRest = true;
      for (const [slot, was] of steady) {
        const node = serving(slot);
        if (node !== was.node) steady.set(slot, { node, sinceMs: schedule.nowMs });
        const { sinceMs } = steady.get(slot) ?? was;
        isAtRest &&= node !== undefined && schedule.nowMs >= Math.max(sinceMs, judgedAtMs) + restMs;
      }
      if (isAtRest) break;
    }
    for (const [slot, { node, sinceMs }] of steady) {
      if (node === undefined || sinceMs > boundMs) {
        if (council.isHasty) return finish();
        throw new Violation(`${slot} not served ${LIVENESS_LEASES} leases after calm`);
      }
    }
    invariants.rest();
    const endMs = schedule.nowMs + QUIET_LEASES * plan.leaseMs;
    while (schedule.step(endMs)) {
      for (const slot of slots) {
        if (serving(slot) === undefined) throw new Violation(`${slot} is not served any more`);
      }
    }
    return finish();
  } catch (error) {
    if (error instanceof Violation) return finish(error.message);
    throw error;
  }
}

/** A clock's rate goes away from the others' in small steps, stays there, and may come back. */
function creep(
  node: SimNode,
  schedule: Schedule,
  { creep: most, creepReturns, calmAtMs, driftBound }: WorldPlan,
): void {
  const steps = 40;
  const stepMs = calmAtMs / steps;
  for (let step = 1; step < steps; step++) {
    const isBack = creepReturns && step > 0.8 * steps;
    const part = isBack ? 0 : Math.min(1, step / (0.6 * steps));
    schedule.at(step * stepMs, () => node.changeRate(1 + part * most * driftBound));
  }
}
