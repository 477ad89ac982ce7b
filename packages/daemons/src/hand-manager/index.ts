// SPDX-License-Identifier: Apache-2.0
export type { MobilityTransportKind } from '../mobility-transports.ts';
export * from './hand-manager.ts';
export type * from './node-table.ts';
export type { HandSecurity } from './peers.ts';
