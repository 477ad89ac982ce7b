// SPDX-License-Identifier: Apache-2.0
export type { ReplicaHistory } from './history.ts';
export { type HolderInit, OUTSTANDING_MAX, ReplicationHolder, STANDBYS_MAX } from './holder.ts';
export { ReplicationStandby, type StandbyInit, type TakenOver } from './standby.ts';
export { MARKS_UNDER_WAY_MAX } from './standby-link.ts';
export { type ListWord, StandbyList } from './standby-list.ts';
export { ReplicaStore, type StoreBounds, type StoredUpdate } from './store.ts';
export {
  acknowledgersOf,
  type HolderInput,
  type HolderOutput,
  isHeldBy,
  type KeyUpdate,
  type ReplicationBound,
  type StandbyInput,
  type StandbyOutput,
  type StandbyView,
  type UnlistReason,
} from './types.ts';
