// SPDX-License-Identifier: Apache-2.0
import type { LeaseRules } from '@vnfpool/core/lease';
import type { AgentManners } from './agent-manners.ts';
import type { FenceKind } from './fence-model.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface LeaseWorldOptions {
  /** Rules of the engines; default: production's. The mutations hand in broken ones. */
  readonly rules?: LeaseRules;
  /** What the agents do wrong; default nothing. */
  readonly manners?: AgentManners;
  /** Lines of the trace kept; default 60. */
  readonly traceLines?: number;
  /** Fixes what the seed would else draw. */
  readonly override?: Partial<WorldPlan>;
}

/** What a seed draws before the world starts. Probabilities are per datagram or per step, times in ms. */
export interface WorldPlan {
  /** Members of the council; each hosts a candidate too. */
  readonly nodes: 3 | 5;
  /** Hosts of candidates that are no members. */
  readonly outsiders: 0 | 1 | 2;
  readonly slots: 1 | 2;
  readonly leaseMs: number;
  readonly driftBound: number;
  readonly fence: FenceKind;
  readonly loss: number;
  readonly duplicate: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** A datagram is held back for up to a lease. */
  readonly straggle: number;
  /** A fault between two outputs of a step. */
  readonly stepFault: number;
  /** How many faults from outside. */
  readonly faults: number;
  /** Faults happen until then. */
  readonly calmAtMs: number;
  /** Datagrams go through the codec. */
  readonly isEncoded: boolean;
  /**
   * One node's clock leaves the bound, slowly, to this multiple of it to either side; and comes back before the calm
   * where the seed says so. 0: no clock does.
   */
  readonly creep: number;
  readonly creepReturns: boolean;
  /** One node stays away at the end; a majority is left. */
  readonly leavesOneDead: boolean;
  /** The council may change. */
  readonly changesCouncil: boolean;
  /** So many nodes die for good that no majority is left, and an operator decides. */
  readonly isForced: boolean;
  /** State is shared: holders say whom they list, candidates lose their copies, and there is a last resort. */
  readonly shares: boolean;
  /** Holders look for heirs, where no state is shared. */
  readonly namesHeirs: boolean;
  /** So often a function ends and one node only hears of it. */
  readonly unheardExits: number;
  /** So often a holder stands still in a hand-over. */
  readonly stuckHandOvers: number;
  /** So often two functions in a row end; 0 is none, else the word that a holder has let go comes once more, up to one and a half leases late. */
  readonly lateWords: number;
}

/** How often clocks are compared in a world where one creeps. */
export const CREEP_WINDOW_MS = 100;
/** Who was alone with the wrong one needs this long to see that it is not wrong itself. */
export const CREEP_JUDGED_MS: number = 40 * CREEP_WINDOW_MS;
/** Leases until calm in such a world: the rate must not go from half the bound to the bound before it can be seen. */
const CREEP_LEASES = 150;

/** After all faults end, every slot is served within this many leases. */
export const LIVENESS_LEASES = 6;

/** A slot is served when one node has done so for this many leases: what was on its way has come by then. */
export const REST_LEASES = 2;

/** For how many leases it is then looked on that nobody takes a slot from its holder. */
export const QUIET_LEASES = 1;

export function drawPlan(random: SeededRandom, override: Partial<WorldPlan> = {}): WorldPlan {
  const leaseMs = 300;
  const delayMsMin = random.pick([0.05, random.between(0.05, 1)]);
  const drawn: WorldPlan = {
    nodes: random.chance(0.25) ? 5 : 3,
    outsiders: random.chance(0.25) ? (random.chance(0.5) ? 1 : 2) : 0,
    slots: random.chance(0.2) ? 2 : 1,
    leaseMs,
    driftBound: random.pick([0.01, 0.05]),
    fence: random.pick(['nft', 'bpf']),
    loss: random.pick([0, 0.02, 0.2]),
    duplicate: random.pick([0, 0.02, 0.2]),
    delayMsMin,
    delayMsMax: delayMsMin + random.pick([0.1, 0.1, 1, 20]),
    straggle: random.pick([0, 0.02, 0.1]),
    stepFault: random.pick([0, 0.003, 0.03]),
    faults: 3 + random.below(10),
    calmAtMs: 4 * leaseMs,
    isEncoded: random.chance(0.05),
    leavesOneDead: random.chance(0.3),
    changesCouncil: random.chance(0.4),
    isForced: random.chance(0.06),
    creep: random.chance(0.01) ? random.pick([-1, 1]) * random.between(1.4, 2) : 0,
    creepReturns: random.chance(0.5),
    shares: random.chance(0.25),
    namesHeirs: random.chance(0.75),
    unheardExits: random.chance(0.2) ? 1 : 0,
    stuckHandOvers: random.chance(0.2) ? 1 : 0,
    lateWords: random.chance(0.2) ? 1 : 0,
    ...override,
  };
  return drawn.creep === 0 ? drawn : creeping(drawn);
}

/**
 * It takes long to see a wrong rate: nodes that live for a while, and a way whose length is steady. Who is outside counts
 * as dead.
 */
function creeping(plan: WorldPlan): WorldPlan {
  return {
    ...plan,
    driftBound: 0.05,
    delayMsMax: plan.delayMsMin + 0.5,
    faults: 3 * plan.faults,
    stepFault: Math.min(plan.stepFault, 0.003),
    calmAtMs: CREEP_LEASES * plan.leaseMs,
    leavesOneDead: false,
    // It might be the only one left in the council.
    changesCouncil: false,
    isForced: false,
  };
}
