// SPDX-License-Identifier: Apache-2.0
export { LEASE_PORT, type NodeConfig } from './config.ts';
export type { FunctionUsage } from './function-meter.ts';
export type { FunctionView } from './function-run.ts';
export { type RunningNode, runNode } from './node.ts';
export { AGENT_SOCKET, type NodeFunctionsView } from './node-status.ts';
