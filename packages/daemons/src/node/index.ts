// SPDX-License-Identifier: Apache-2.0
export { LEASE_PORT, type NodeConfig } from './config.ts';
export { type RunningNode, runNode } from './node.ts';
