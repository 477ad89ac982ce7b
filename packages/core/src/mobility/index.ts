// SPDX-License-Identifier: Apache-2.0

export { MobilityManager } from './manager.ts';
export { MobilityNode } from './node.ts';
export type * from './types.ts';
