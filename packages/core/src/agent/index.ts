// SPDX-License-Identifier: Apache-2.0
export type { AddressClaim } from './address-care.ts';
export type { AddressPlace } from './address-places.ts';
export { AgentCore } from './agent.ts';
export { hearsMajority } from './council-news.ts';
export { isSamePlace, registrationKey, wirePolicy } from './element-policy.ts';
export { type HandedOnHolding, type HandedOnSlots, openEnds } from './handed-on-slots.ts';
export type { AdoptedFunction, FunctionRecord } from './keeping.ts';
export type { LifeRecord } from './life-record.ts';
export { type GateInput, LinkGate } from './link-gate.ts';
export { pauseKind, pauseLimits, type Standstill } from './pause.ts';
export type { OwnStates } from './shared-slots.ts';
export { SlotKeeper } from './slot-keeper.ts';
export type { KeeperInput, KeeperOutput, KeeperSlot, KeeperStep, TakenSlot } from './slot-keeper-types.ts';
export type { StateOutput } from './state-takings.ts';
export type {
  AgentInput,
  AgentOptions,
  AgentOutput,
  ElementPolicy,
  FunctionStatus,
  RunNumber,
} from './types.ts';
