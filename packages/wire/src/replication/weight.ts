// SPDX-License-Identifier: Apache-2.0
import type { ReplicaUpdate } from './messages.ts';

/** What an update weighs beside its key and value. */
const HEAD = 8;

/** What updates weigh in windows: octets of their keys and values, and 8 for each of them. */
export function replicaWeight(updates: readonly ReplicaUpdate[]): number {
  let weight = 0;
  for (const { key, value } of updates) weight += HEAD + key.length + (value?.length ?? 0);
  return weight;
}
