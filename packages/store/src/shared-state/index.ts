// SPDX-License-Identifier: Apache-2.0
export { sharedStateStoreFault } from '../addresses.ts';
export { EtcdSharedState, type EtcdSharedStateOptions } from './etcd-shared-state.ts';
export { MemorySharedState, type SharedStateDisk } from './memory-shared-state.ts';
export { openSharedStateStore } from './open.ts';
export {
  type Claimed,
  type EntryPage,
  type EntryUpdate,
  type Refused,
  SharedStateError,
  type SharedStateErrorCode,
  type SharedStateLimits,
  type SharedStateStore,
  type SlotClaim,
  type SlotHead,
  type SlotWrite,
  type Written,
} from './shared-state-store.ts';
export { ValkeySharedState, type ValkeySharedStateOptions } from './valkey-shared-state.ts';
