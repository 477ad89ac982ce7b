// SPDX-License-Identifier: Apache-2.0
export { CANARY_EVERY_MS, CANARY_REFUSED_MS, CANARY_SILENT_MS } from './canary-watch.ts';
export type { FlowChoice } from './choice.ts';
export {
  commitFlows,
  type FlowCommitOptions,
  type FlowCommitResult,
  type FlowCommitTable,
} from './commit.ts';
export { kernelWay } from './first-packet-way.ts';
export {
  type FirstPacketCounts,
  FirstPackets,
  type FirstPacketsOptions,
  type FirstPacketWay,
  type FirstPacketWayListener,
} from './first-packets.ts';
export {
  type FlowKernel,
  type FlowKernelOptions,
  type FlowListener,
  flowKernel,
  type SharedFlowFilter,
} from './flow-kernel.ts';
export { FlowUpdates, type FlowUpdatesOptions, MASTER_AGAIN_MS } from './flow-updates.ts';
export { asGoneOn } from './half-open.ts';
export type { KnownTable, TableWatch } from './kept-table.ts';
export {
  type CopyContents,
  KernelCopy,
  type KernelCopyOptions,
  type KernelCopyTable,
} from './kernel-copy.ts';
