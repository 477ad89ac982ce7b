// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import type { FenceKind } from '../lease-world/fence-model.ts';
import type { NetworkPlan } from '../lease-world/network.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import type { FullWorld } from './full-world.ts';

/** Broken rules of moves: the simulation has to find a violation for each of them. */
export const MOVE_MUTATIONS = [
  'offers itself before it has its state',
  'a source goes on before its slot has left',
  'the manager counts before the slot has left',
] as const;

export type MoveMutation = (typeof MOVE_MUTATIONS)[number];

export interface FullWorldOptions {
  /** Lines of the trace kept; default 60. */
  readonly traceLines?: number;
  /** Fixes what the seed would else draw. */
  readonly override?: Partial<FullWorldPlan>;
  /** In place of the seed's faults: a scenario. Called at the start; the world calms down at `calmAtMs`. */
  readonly scenario?: (world: FullWorld) => void;
  readonly mutation?: MoveMutation;
}

/** What a seed draws before the world starts. Probabilities are per datagram or per step, times in ms. */
export interface FullWorldPlan extends NetworkPlan {
  readonly fence: FenceKind;
  /** A fault between two outputs of a step. */
  readonly stepFault: number;
  /** How many faults from outside. */
  readonly faults: number;
  /** From when on faults happen. */
  readonly faultsFromMs: number;
  /** Faults happen until then. */
  readonly calmAtMs: number;
  /** Every pool has virtual addresses; else only `web`. */
  readonly allAddressed: boolean;
  /** Four nodes, functions with state, and somebody who moves instances and drains nodes so often; undefined: nobody does. */
  readonly moves?: number;
  /** How often addresses and their links go, or a stranger has one; undefined: never. */
  readonly addressFaults?: number;
  /** What `web` declares about failures; undefined: nothing. */
  readonly rules?: Pick<DeclaredPool, 'failover' | 'restart'>;
}

/** All is well again within this time after the last fault. */
export const WHOLE_WITHIN_MS = 30_000;
/** Where instances move: a drain is tried again after up to a minute. */
export const MOVED_WITHIN_MS = 90_000;
/** Then nothing changes for this long. */
export const QUIET_MS = 6_000;

/** What a world in which instances move has in place of what its seed draws first. */
export function drawMovesPlan(seed: number): Partial<FullWorldPlan> {
  const random = new SeededRandom(seed ^ 0x6d6f7665);
  return { moves: 3 + random.below(14), faults: random.pick([0, 2, 6, 12]), faultsFromMs: 2_000 };
}

/** What a world has in which much happens to addresses, and less else. */
export function drawAddressesPlan(seed: number): Partial<FullWorldPlan> {
  const random = new SeededRandom(seed ^ 0x76697073);
  return { addressFaults: 4 + random.below(14), faults: random.pick([0, 2, 6]) };
}

export function drawPlan(random: SeededRandom, override: Partial<FullWorldPlan> = {}): FullWorldPlan {
  const delayMsMin = random.between(0.05, 0.5);
  return {
    leaseMs: 300,
    fence: random.pick(['nft', 'bpf']),
    loss: random.pick([0, 0, 0.02, 0.1]),
    duplicate: random.pick([0, 0.02, 0.1]),
    delayMsMin,
    delayMsMax: delayMsMin + random.pick([0.1, 1, 5]),
    straggle: random.pick([0, 0, 0.02]),
    stepFault: random.pick([0, 0, 0.0005, 0.002]),
    faults: 4 + random.below(10),
    faultsFromMs: random.pick([5, 3_000]),
    calmAtMs: 10_000,
    allAddressed: random.chance(0.5),
    ...override,
  };
}
