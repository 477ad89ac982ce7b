// SPDX-License-Identifier: Apache-2.0
export { GossipLinks, type GossipLinksOptions, type GossipPlace } from './gossip-links.ts';
export { MergeSocket, messagesOfKeys, type WholeKey } from './merge-frames.ts';
export { type KeysListener, PoolReplica, type PoolReplicaOptions } from './pool-replica.ts';
