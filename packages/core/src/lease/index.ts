// SPDX-License-Identifier: Apache-2.0

export { compareCouncils, isBefore, nextVersion } from './council.ts';
export { DRIFT_BOUND, LeaseEngine } from './engine.ts';
export type { HandedOnHold, HandedOnLeases, HandedOnSlot } from './handed-on.ts';
export { ROUND_JUMP_MAX } from './member.ts';
export * from './node-leases.ts';
export * from './profiles.ts';
export * from './record.ts';
export * from './record-codec.ts';
export * from './replay-window.ts';
export { LeaseRules, sameProposer } from './rules.ts';
export { birthDelayMs, watchMs } from './timing.ts';
export * from './types.ts';
export { type CandidateState, isWithStandbys } from './value.ts';
