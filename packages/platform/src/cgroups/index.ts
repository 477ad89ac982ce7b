// SPDX-License-Identifier: Apache-2.0
export type { ControlFiles } from './control-files.ts';
export { controlError, systemControlFiles } from './control-files.ts';
export type { Controller, Place } from './hierarchy.ts';
export { findHierarchies, isOurs } from './hierarchy.ts';
export type { OpenOptions } from './open.ts';
export { openFunctionGroups } from './open.ts';
export { ProcessGroups } from './process-groups.ts';
export type { Nft, TrafficCounts, TrafficOptions } from './traffic.ts';
export { countersOf, GroupTraffic, trafficRules } from './traffic.ts';
export type { FunctionGroup, FunctionGroups, GroupLimits, GroupStatistics } from './types.ts';
