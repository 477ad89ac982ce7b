// SPDX-License-Identifier: Apache-2.0
export { openCopyServer, openSlotStates } from './open.ts';
export type { SlotStates } from './slot-states.ts';
export type { StateEntry, StateSink, StateSource } from './state-source.ts';
