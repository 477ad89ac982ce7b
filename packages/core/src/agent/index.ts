// SPDX-License-Identifier: Apache-2.0
export { AgentCore } from './agent.ts';
export { isSamePlace, registrationKey, wirePolicy } from './element-policy.ts';
export type { LifeRecord } from './function-life.ts';
export type { AdoptedFunction, FunctionRecord } from './keeping.ts';
export {
  type KeeperInput,
  type KeeperOutput,
  type KeeperSlot,
  type KeeperStep,
  SlotKeeper,
} from './slot-keeper.ts';
export type {
  AgentInput,
  AgentOptions,
  AgentOutput,
  ElementPolicy,
  FunctionStatus,
  RunNumber,
} from './types.ts';
