// SPDX-License-Identifier: Apache-2.0
export { decodeState, encodeState } from './codec.ts';
export { crc32c, joinCrc32c } from './crc32c.ts';
export {
  STATE_CHUNK_BYTES_MAX,
  STATE_FRAME_BYTES_MAX,
  STATE_HEADER_BYTES,
  stateFrameBytes,
} from './frame.ts';
export * from './messages.ts';
