// SPDX-License-Identifier: Apache-2.0
import type { GossipRules } from '@vnfpool/core/gossip';
import type { SeededRandom } from '../lease-world/seeded-random.ts';

export interface GossipWorldOptions {
  /** Rules of all instances; default: production's. */
  readonly rules?: GossipRules;
  /** An instance that starts again takes the number of its former life. */
  readonly reusesIncarnation?: boolean;
  /** Lines of the trace kept; default 80. */
  readonly traceLines?: number;
  /** Fixes what the seed would else draw. */
  readonly override?: Partial<GossipPlan>;
}

export type GossipFault =
  /** The instance's process ends and starts again, with nothing. */
  | { readonly type: 'crash'; readonly atMs: number; readonly node: number; readonly lastsMs: number }
  /** It ends for good. */
  | { readonly type: 'death'; readonly atMs: number; readonly node: number }
  /** Nothing passes from these to the others; and back, unless it is one way. */
  | {
      readonly type: 'partition';
      readonly atMs: number;
      readonly nodes: readonly number[];
      readonly lastsMs: number;
      readonly isOneWay: boolean;
    };

/** What a seed draws before the world starts. Times in ms. */
export interface GossipPlan {
  readonly nodes: number;
  /** The last one starts in the midst of it. */
  readonly joinsLate: boolean;
  readonly loss: number;
  readonly duplication: number;
  readonly delayMsMax: number;
  readonly intervalMs: number;
  readonly fanOut: number;
  readonly messageBytesMax: number;
  readonly stepsMax: number;
  /** At each instance. */
  readonly updatesPerSecond: number;
  readonly keys: number;
  readonly elements: number;
  readonly busyMs: number;
  readonly faults: readonly GossipFault[];
}

export function drawPlan(random: SeededRandom, override: Partial<GossipPlan> = {}): GossipPlan {
  const nodes = 2 + random.below(4);
  const busyMs = 1000;
  const faults = Array.from({ length: random.below(5) }, (): GossipFault => {
    const atMs = random.between(50, busyMs);
    const node = random.below(nodes);
    const lastsMs = random.between(20, 600);
    const kind = random.below(5);
    if (kind < 2) return { type: 'crash', atMs, node, lastsMs };
    // One always lives.
    if (kind === 2 && node > 0) return { type: 'death', atMs, node };
    const some = [...Array(nodes).keys()].filter(() => random.chance(0.5));
    return { type: 'partition', atMs, nodes: some, lastsMs, isOneWay: random.chance(0.3) };
  });
  return {
    nodes,
    joinsLate: random.chance(0.3),
    loss: random.pick([0, 0.05, 0.3]),
    duplication: random.pick([0, 0.05, 0.3]),
    delayMsMax: random.pick([1, 30, 150]),
    intervalMs: random.pick([80, 160]),
    fanOut: 1 + random.below(2),
    messageBytesMax: random.pick([256, 500, 500, 61_440]),
    stepsMax: random.pick([0, 4, 20, 65_536, 65_536]),
    updatesPerSecond: random.pick([5, 15, 30]),
    keys: 1 + random.below(2),
    elements: 1 + random.below(4),
    busyMs,
    faults,
    ...override,
  };
}
