// SPDX-License-Identifier: Apache-2.0
import { REPLICA_HISTORY_MAX, type ReplicaPosition } from '@vnfpool/wire/replication';

/** Where each epoch of a state began, ascending. Of more than `REPLICA_HISTORY_MAX` the oldest are forgotten. */
export type ReplicaHistory = readonly ReplicaPosition[];

/** With a new epoch, which goes on from `sequence`. */
export function extended(history: ReplicaHistory, epoch: number, sequence: number): ReplicaHistory {
  return [...history, { epoch, sequence }].slice(-REPLICA_HISTORY_MAX);
}

/**
 * Whether a state at this position is one that this history went through. If not, it has updates that nobody else has, or comes
 * from before what is remembered: only the whole state helps.
 */
export function isOnWay(history: ReplicaHistory, { epoch, sequence }: ReplicaPosition): boolean {
  const index = history.findIndex((each) => each.epoch === epoch);
  const began = history[index];
  if (began === undefined) return false;
  const endedAt = history[index + 1]?.sequence ?? Number.POSITIVE_INFINITY;
  return began.sequence <= sequence && sequence <= endedAt;
}
