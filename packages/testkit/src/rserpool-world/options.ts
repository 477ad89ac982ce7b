// SPDX-License-Identifier: Apache-2.0
import type { ProfileName } from '@vnfpool/core/scope';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { RserpoolMutation } from './mutation.ts';

export type Protocol = 'asap' | 'enrp';

export interface RserpoolWorldOptions {
  /** Lines of the trace kept; default 80. */
  readonly traceLines?: number;
  /** Fixes what the seed would else draw. */
  readonly override?: Partial<RserpoolPlan>;
  /** Numbers of the faults that happen; default all that the seed draws. */
  readonly faults?: ReadonlySet<number>;
  /** Broken behaviour at the edge of the world, which has to be found. */
  readonly mutation?: RserpoolMutation;
}

/** What a seed draws before the world starts. Probabilities are per thing, times in ms of true time. */
export interface RserpoolPlan {
  readonly profile: ProfileName;
  readonly transport: 'sctp' | 'tcp';
  readonly registrars: number;
  readonly elements: number;
  readonly users: number;
  readonly pools: number;
  /** Whether everybody has a certificate; else the scope is open. */
  readonly isAuthenticated: boolean;
  /** Messages go through the codecs. */
  readonly isEncoded: boolean;
  /** Registrars that one is told of as mentors at most; 0 only where presences go by multicast. */
  readonly mentors: number;
  /** Registrars that elements and users are told of; 0: they hear announcements only. */
  readonly configured: number;
  /** Registration life; null: for ever. */
  readonly lifeMs: number | null;
  /** T4 at most. */
  readonly reregistrationMaxMs: number;
  readonly resolveEveryMs: number;
  readonly staleMs: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** So long a sender tries to get through before it gives the association up. */
  readonly breakMs: number;
  /** Between heartbeats on a silent association; null: none, so that a lost end is found only by sending. */
  readonly heartbeatMs: number | null;
  readonly multicastLoss: number;
  /** Times of faults, each followed by a time of calm. */
  readonly rounds: number;
  readonly faultsARound: number;
  /** From the start of a round to the last fault. */
  readonly faultsForMs: number;
  /** Kinds of faults to draw from; null: all. */
  readonly kinds: readonly string[] | null;
  /** Whether the first faults come while everybody starts. */
  readonly faultsAtStart: boolean;
}

export function drawPlan(random: SeededRandom, override: Partial<RserpoolPlan> = {}): RserpoolPlan {
  const profile = override.profile ?? random.pick(['rfc', 'rsplib']);
  const registrars = random.pick([1, 2, 2, 3, 3, 3, 4, 5, 7, 9]);
  const delayMsMin = random.between(0.05, 5);
  const drawn: RserpoolPlan = {
    profile,
    transport: profile === 'rsplib' ? 'sctp' : random.pick(['sctp', 'tcp']),
    registrars,
    elements: random.pick([1, 2, 4, 6, 10, 20]),
    users: random.pick([0, 1, 2, 4]),
    pools: random.pick([1, 2, 4]),
    isAuthenticated: random.chance(0.5),
    isEncoded: random.chance(0.3),
    mentors: profile === 'rsplib' && random.chance(0.3) ? 0 : random.pick([8, 8, 3]),
    configured: random.chance(0.2) ? 0 : random.pick([2, 8, 8]),
    lifeMs: random.pick([30_000, 60_000, 120_000, 300_000, null]),
    reregistrationMaxMs: 60_000,
    resolveEveryMs: random.between(1_000, 5_000),
    staleMs: random.pick([1_000, 10_000, 30_000]),
    delayMsMin,
    delayMsMax: delayMsMin + random.pick([0.5, 10, 100]),
    breakMs: random.pick([3_000, 10_000, 20_000]),
    heartbeatMs: random.pick([null, 5_000, 30_000]),
    multicastLoss: random.pick([0, 0, 0.05, 0.3]),
    rounds: random.pick([1, 1, 1, 2]),
    faultsARound: 1 + random.below(9),
    faultsForMs: profile === 'rfc' ? random.between(10_000, 150_000) : random.between(5_000, 60_000),
    kinds: null,
    faultsAtStart: random.chance(0.3),
  };
  return { ...drawn, ...override };
}
