// SPDX-License-Identifier: Apache-2.0
import type { GossipReplica } from '@vnfpool/wire/gossip';

/** A replica as the name under which maps have it. */
export function nameOf({ origin, incarnation }: GossipReplica): string {
  return `${origin}.${incarnation}`;
}

export function replicaOf(name: string): GossipReplica {
  const at = name.indexOf('.');
  return { origin: Number(name.slice(0, at)), incarnation: BigInt(name.slice(at + 1)) };
}

/** The same order everywhere: by origin, then by incarnation. */
export function compareReplicas(one: string, other: string): number {
  const [first, second] = [replicaOf(one), replicaOf(other)];
  if (first.origin !== second.origin) return first.origin - second.origin;
  return first.incarnation < second.incarnation ? -1 : first.incarnation > second.incarnation ? 1 : 0;
}

/** Whether this replica is the one that is gone, or an earlier life of it. */
export function isCovered(name: string, gone: GossipReplica): boolean {
  const { origin, incarnation } = replicaOf(name);
  return origin === gone.origin && incarnation <= gone.incarnation;
}
