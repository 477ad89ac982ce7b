// SPDX-License-Identifier: Apache-2.0
export { decodeState, encodeState } from './codec.ts';
export { crc32, joinCrc32 } from './crc32.ts';
export {
  STATE_CHUNK_BYTES_MAX,
  STATE_FRAME_BYTES_MAX,
  STATE_HEADER_BYTES,
  stateFrameBytes,
} from './frame.ts';
export * from './messages.ts';
export { chunkHeader, STATE_CHUNK_HEADER_BYTES, StateStreamReader } from './stream.ts';
