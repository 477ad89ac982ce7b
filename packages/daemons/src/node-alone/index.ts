// SPDX-License-Identifier: Apache-2.0
export type { MobilityTransportKind } from '../mobility-transports.ts';
export type { Catalogue } from './catalogue.ts';
export * from './config.ts';
export { type RunningNodeAlone, runNodeAlone } from './node-alone.ts';
