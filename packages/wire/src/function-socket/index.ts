// SPDX-License-Identifier: Apache-2.0
export { BlockReader, blockHeader } from './blocks.ts';
export * from './bounds.ts';
export {
  boundReason,
  encodeAgentMessage,
  encodeFunctionMessage,
  parseAgentMessage,
  parseFunctionMessage,
} from './codec.ts';
export { LineSplitter } from './lines.ts';
export type * from './messages.ts';
export { SESSION_SELECTORS_MAX, type SessionSelector, sessionSelectors } from './selectors.ts';
