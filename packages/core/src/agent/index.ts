// SPDX-License-Identifier: Apache-2.0
export { AgentCore } from './agent.ts';
export { isSamePlace, registrationKey, wirePolicy } from './element-policy.ts';
export type { AdoptedFunction, FunctionRecord } from './keeping.ts';
export type { LifeRecord } from './life-record.ts';
export { type GateInput, LinkGate } from './link-gate.ts';
export { pauseKind, type Standstill } from './pause.ts';
export { type KeeperInput, type KeeperOutput, type KeeperStep, SlotKeeper } from './slot-keeper.ts';
export type {
  AgentInput,
  AgentOptions,
  AgentOutput,
  ElementPolicy,
  FunctionStatus,
  RunNumber,
} from './types.ts';
