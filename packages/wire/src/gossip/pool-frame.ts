// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { GOSSIP_BYTES_MAX } from './messages.ts';

/*
 * A message of gossip between two node agents, with the pool that it is of. It goes over the port of replication, whose frames
 * have the same head and other types: length (32: octets that follow), type 9 (8), length of the pool's name (8), the name, and
 * the message to the end.
 */

/** Type of the frame, which no message of replication has. */
export const POOL_GOSSIP_TYPE = 9;
const LENGTH_BYTES = 4;
const POOL_BYTES_MAX = 255;

export interface PoolGossip {
  /** Its name, 1 to 255 octets in UTF-8. */
  readonly pool: string;
  /** An encoded `GossipMessage`. */
  readonly message: Uint8Array;
}

/** Whether a whole frame of the port of replication is one of gossip. */
export function isPoolGossip(frame: Uint8Array): boolean {
  return frame[LENGTH_BYTES] === POOL_GOSSIP_TYPE;
}

/** @throws WireError for a name or a message that no frame takes */
export function encodePoolGossip({ pool, message }: PoolGossip): Uint8Array {
  const writer = new ByteWriter(GOSSIP_BYTES_MAX + POOL_BYTES_MAX + 6, message.length + 64);
  writer.u32(0).u8(POOL_GOSSIP_TYPE).u8(0).utf8(pool);
  const length = writer.length - LENGTH_BYTES - 2;
  checkName(length, LENGTH_BYTES + 1);
  checkMessage(message.length, writer.length);
  writer.bytes(message);
  const frame = writer.patchU32(0, writer.length - LENGTH_BYTES).finish();
  frame[LENGTH_BYTES + 1] = length;
  return frame;
}

/** Its message shares memory with the frame. @throws WireError */
export function decodePoolGossip(frame: Uint8Array): PoolGossip {
  const reader = new ByteReader(frame);
  if (reader.u32() !== frame.length - LENGTH_BYTES)
    throw new WireError('length', 0, `${frame.length} octets are not what the length says`);
  const type = reader.u8();
  if (type !== POOL_GOSSIP_TYPE) throw new WireError('unknown', LENGTH_BYTES, `a frame of type ${type}`);
  const { offset } = reader;
  const length = reader.u8();
  checkName(length, offset);
  const pool = reader.utf8(length);
  checkMessage(reader.remaining, reader.offset);
  return { pool, message: reader.rest() };
}

function checkName(length: number, offset: number): void {
  if (length === 0 || length > POOL_BYTES_MAX)
    throw new WireError('limit', offset, `the name of a pool with ${length} octets`);
}

function checkMessage(length: number, offset: number): void {
  if (length === 0) throw new WireError('missing', offset, 'no message');
  if (length > GOSSIP_BYTES_MAX) throw new WireError('limit', offset, `a message of ${length} octets`);
}
