// SPDX-License-Identifier: Apache-2.0
export { CopyServer, type CopyServerOptions } from './copy-server.ts';
export { replicationRule } from './frames.ts';
export { framesOfUpdates, ReplicaSocket } from './replica-socket.ts';
export {
  ReplicatedState,
  type ReplicatedStateOptions,
  type StandbyPlace,
  type StateNotice,
} from './replicated-state.ts';
export {
  type CopyNotice,
  type CopyRefusal,
  type ListeningOptions,
  StateCopy,
  type StateCopyOptions,
} from './state-copy.ts';
export { StateError, type StateErrorCode } from './state-error.ts';
