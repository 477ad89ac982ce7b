// SPDX-License-Identifier: Apache-2.0
export { type Ask, askOf } from './ask.ts';
export type { InstanceOffers } from './candidates.ts';
export {
  isByAgents,
  isCarriedBySlot,
  lastResortMsOf,
  notCarriedOut,
  slotSharingOf,
} from './carried.ts';
export { changesBetween, type LevelChange } from './changes.ts';
export { explainSettlement } from './explain.ts';
export * from './level.ts';
export { offersOf } from './offers.ts';
export { type LevelRule, refusalOf } from './rules.ts';
export { type Settlement, settle } from './settle.ts';
export type { LevelVerdict, SettleRule } from './verdicts.ts';
export { levelWords, lossWords } from './words.ts';
