// SPDX-License-Identifier: Apache-2.0
export {
  ALIVE_EVERY_MS,
  ALIVE_MS,
  FirstPacketTable,
  type HandOver,
  removeFirstPacketTable,
} from './first-packet-table.ts';
export type { QueuedPacket } from './messages.ts';
export { parseQueued } from './messages.ts';
export { overflowOf, readOverflow } from './overflow.ts';
export { type FirstPacket, readFirstPacket } from './packet.ts';
export { PacketQueue, type PacketQueueListener, type PacketQueueOptions } from './queue.ts';
