// SPDX-License-Identifier: Apache-2.0
import type { TransferRules } from '@vnfpool/core/state-transfer';
import type { TransferMode } from '@vnfpool/wire/state-channel';
import type { SeededRandom } from '../lease-world/seeded-random.ts';

export interface TransferWorldOptions {
  /** Rules of both ends and of the manager; default: production's. */
  readonly rules?: TransferRules;
  /** Lines of the trace kept; default 80. */
  readonly traceLines?: number;
  /** Fixes what the seed would else draw. */
  readonly override?: Partial<TransferPlan>;
}

/** Whom a fault meets, and how. An agent's crash leaves its function and its disk, a node's only its disk. */
export type FaultKind =
  | 'source-agent'
  | 'source-node'
  | 'destination-agent'
  | 'destination-node'
  | 'destination-function'
  | 'manager'
  | 'connection'
  | 'cut-channel'
  | 'cut-source'
  | 'cut-destination'
  | 'cancel-source'
  | 'cancel-destination';

/** Strikes when an output of this name is carried out for the `count`th time: before or after it. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly at: string;
  readonly count: number;
  readonly isBefore: boolean;
  readonly lastsMs: number;
}

/** What a seed draws before the world starts. Times in ms. */
export interface TransferPlan {
  readonly mode: TransferMode;
  readonly sessions: number;
  /** Changes a second at the source. */
  readonly changesPerSecond: number;
  readonly delayMsMax: number;
  /** Of messages from and to the manager. */
  readonly loss: number;
  /** Of a chunk of state, on its way. */
  readonly damage: number;
  /** Of each step of a function. */
  readonly functionFault: number;
  readonly windowBytes: number;
  readonly retainMs: number;
  readonly faults: readonly PlannedFault[];
}

const KINDS: readonly FaultKind[] = [
  'source-agent',
  'source-node',
  'destination-agent',
  'destination-node',
  'destination-function',
  'manager',
  'connection',
  'cut-channel',
  'cut-source',
  'cut-destination',
  'cancel-source',
  'cancel-destination',
];

/** Outputs with `send` told by message; S is the source's, D the destination's. */
const PLACES: readonly string[] = [
  'S connect',
  'S send hello',
  'D persist',
  'D send welcome',
  'S export',
  'S pull',
  'D import-chunk',
  'D import-end',
  'D send marked',
  'S quiesce',
  'S send mark',
  'S persist',
  'S send commit',
  'D activate',
  'D send committed',
  'D ended',
  'S finish',
  'S ended',
  'S resume',
  'D discard',
  'S inquire',
  'D inquire',
  'S send ask',
  'D send outcome',
];

export function drawPlan(random: SeededRandom, override: Partial<TransferPlan> = {}): TransferPlan {
  const faults = Array.from({ length: random.below(5) }, (): PlannedFault => {
    // Half of them where ownership passes.
    const from = random.chance(0.5) ? 9 : 0;
    return {
      kind: random.pick(KINDS),
      at: random.pick(PLACES.slice(from)),
      count: 1 + random.below(random.pick([1, 2, 6])),
      isBefore: random.chance(0.5),
      lastsMs: random.pick([random.between(1, 100), random.between(100, 3000), random.between(3000, 12_000)]),
    };
  });
  return {
    mode: random.pick(['move', 'move', 'copy', 'sessions']),
    sessions: random.below(200),
    changesPerSecond: random.pick([0, 20, 200, 2000]),
    delayMsMax: random.pick([0.2, 2, 20]),
    loss: random.pick([0, 0.1, 0.5]),
    damage: random.pick([0, 0, 0, 0.02]),
    functionFault: random.pick([0, 0, 0, 0.02]),
    windowBytes: random.pick([64, 1024, 65_536]),
    retainMs: random.pick([300, 60_000]),
    faults,
    ...override,
  };
}
