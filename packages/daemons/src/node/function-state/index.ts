// SPDX-License-Identifier: Apache-2.0
export {
  ConntrackFunctionState,
  type ConntrackStateOptions,
  type MovableNetwork,
} from './conntrack-state.ts';
export { createFunctionState, type FunctionStateOptions } from './create.ts';
export type { Entered, FunctionContext } from './function-context.ts';
export {
  type FunctionState,
  FunctionStateError,
  type FunctionStateErrorCode,
  type FunctionStateLimits,
  functionStateLimits,
  type StateChunks,
} from './function-state.ts';
export { HooksFunctionState, type HooksStateOptions } from './hooks-state.ts';
export type { FunctionSessions, MovedState } from './moved-state.ts';
export { NoFunctionState } from './no-state.ts';
export { SocketFolder } from './socket-folder.ts';
export { SocketFunctionState, type SocketStateOptions } from './socket-state.ts';
