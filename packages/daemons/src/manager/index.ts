// SPDX-License-Identifier: Apache-2.0
export { JOIN_PORT, type ManagerConfig, MOBILITY_PORT } from './config.ts';
export { type RunningManager, runManager } from './manager.ts';
