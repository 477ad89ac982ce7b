// SPDX-License-Identifier: Apache-2.0
export { cellBytes, placeBytes } from './cell-codec.ts';
export {
  decodeGossip,
  encodeGossip,
  FLOOR_BYTES,
  GOSSIP_FRAME_BYTES,
  GOSSIP_HEADER_BYTES,
  REPLICA_BYTES,
  RUN_BYTES,
  STEP_BYTES,
} from './codec.ts';
export * from './messages.ts';
export { decodePoolGossip, encodePoolGossip, isPoolGossip, type PoolGossip } from './pool-frame.ts';
