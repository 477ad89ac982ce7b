// SPDX-License-Identifier: Apache-2.0
import type { ReplicaUpdate } from './messages.ts';

/** What an update weighs beside its key and value. */
export const UPDATE_HEAD_BYTES = 8;

/** What an update weighs in windows: octets of its key and value, and 8. */
export function updateWeight({ key, value }: Pick<ReplicaUpdate, 'key' | 'value'>): number {
  return UPDATE_HEAD_BYTES + key.length + (value?.length ?? 0);
}

/** What updates weigh together. */
export function replicaWeight(updates: readonly ReplicaUpdate[]): number {
  let weight = 0;
  for (const update of updates) weight += updateWeight(update);
  return weight;
}
