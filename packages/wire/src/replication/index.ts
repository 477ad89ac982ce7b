// SPDX-License-Identifier: Apache-2.0
export { decodeReplica, encodeReplica, replicaFrameBytes } from './codec.ts';
export * from './messages.ts';
export * from './sealed-value.ts';
export { updateFault } from './update-fault.ts';
export { replicaWeight, UPDATE_HEAD_BYTES, updateWeight } from './weight.ts';
