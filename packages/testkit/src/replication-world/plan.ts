// SPDX-License-Identifier: Apache-2.0
import type { ReplicationBound } from '@vnfpool/core/replication';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { LinkFaultRates } from './link-faults.ts';

export interface ReplicationPlan {
  readonly nodes: number;
  readonly bound: ReplicationBound;
  readonly delayMs: number;
  readonly updateEveryMs: number;
  readonly faultEveryMs: number;
  readonly removedLeast: number;
  readonly keysMax: number;
  readonly windowBytes: number;
  readonly batchBytes: number;
  readonly asideBytes: number;
  /** Undefined: what is sent arrives as it was, and in its turn, as long as there is a connection. */
  readonly linkFaults: LinkFaultRates | undefined;
  /** Values are damaged in the memory of standbys. */
  readonly hasMemoryFaults: boolean;
  /** Of the holder. */
  readonly hasHolderFaults: boolean;
  /** The function tells its state anew when it is asked to; else what is damaged stays until it changes that. */
  readonly tellsAnew: boolean;
}

/** As where a pool asks for a loss in time: the age alone is the bound. */
const UPDATES_UNBOUNDED = 1_000_000;

/** @param more for what came later: with `random` a seed goes as it went before */
export function drawPlan(random: SeededRandom, more: SeededRandom): ReplicationPlan {
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
    removedLeast: random.pick([1, 3, 1000]),
    keysMax: random.pick([3, 1000]),
    windowBytes: random.pick([1, 60, 100_000]),
    batchBytes: random.pick([1, 40, 32_768]),
    asideBytes: random.pick([1, 40, 100_000]),
    linkFaults: random.chance(0.5) ? drawRates(random) : undefined,
    hasMemoryFaults: random.chance(0.3),
    hasHolderFaults: more.chance(0.3),
    tellsAnew: more.chance(0.7),
  };
}

/** Some kinds are left out, so that one is not always hidden by what another brings about. */
function drawRates(random: SeededRandom): LinkFaultRates {
  const rate = (): number => random.pick([0, 0, 0.001, 0.01, 0.05]);
  return { lost: rate(), damaged: rate(), doubled: rate(), swapped: rate(), old: rate() };
}
