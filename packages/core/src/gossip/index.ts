// SPDX-License-Identifier: Apache-2.0
export { GOSSIP_BOUNDS, type GossipBounds } from './bounds.ts';
export type { Entry, Vector } from './cell.ts';
export type { DigestsView } from './digests.ts';
export { GossipCore, type GossipOptions } from './gossip-core.ts';
export { HybridClock } from './hybrid-clock.ts';
export { MergeableState, type MergeableStateOptions, type Merged } from './mergeable-state.ts';
export { nameOf, replicaOf } from './replica.ts';
export { GossipRules } from './rules.ts';
export { silentAfterMs } from './silence.ts';
export type {
  ForgetRefusal,
  GossipEvent,
  GossipInput,
  GossipOutput,
  PeerLag,
  Refusal,
  Update,
} from './types.ts';
