// SPDX-License-Identifier: Apache-2.0
export { ManagerCore } from './manager-core.ts';
export { numbersWrite, restoreNumbers } from './plain-numbers.ts';
export {
  type HoldingRecord,
  type InstanceRecord,
  type ManagerTables,
  type ManagerWrite,
  type MoveRecord,
  NOTHING_RESTORED,
  type NodeRecord,
  type NumbersRecord,
  type RestoredState,
  ROWS_MAX,
  restoreState,
  type SetRecord,
  type SlotRecord,
  type StoredPlace,
  type StoredRecord,
  type TokenRecord,
  type ToldRecord,
} from './records.ts';
export type * from './types.ts';
