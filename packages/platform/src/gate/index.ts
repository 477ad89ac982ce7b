// SPDX-License-Identifier: Apache-2.0
export type { Dropped } from '../netlink/drop-table.ts';
export { type GateReason, NetworkGate } from './gate.ts';
