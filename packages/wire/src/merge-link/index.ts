// SPDX-License-Identifier: Apache-2.0
export { decodeMerge, encodeMerge, MERGE_HEADER_BYTES, mergeFrameBytes } from './codec.ts';
export * from './messages.ts';
