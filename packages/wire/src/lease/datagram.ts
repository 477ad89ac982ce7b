// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { renewalsLength } from './batch-codec.ts';
import { RENEW_AGAIN_BYTES, readMessage, writeMessage } from './message-codec.ts';
import type { LeaseHeader, LeaseMessage } from './messages.ts';
import { readHex64, writeHex64 } from './value-codec.ts';

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+---------------+---------------+
 * |      'V'      |      'L'      |   version 1   | message count |
 * +---------------+---------------+---------------+---------------+
 * |                            sender                             |
 * |                           receiver                            |
 * |               sender's incarnation (64 bits)                  |
 * |                     sequence (64 bits)                        |
 * |  council: id (8) and generation (24), number (32), random id (64)
 * |      sender's CLOCK_BOOTTIME in microseconds (64 bits)        |
 * +---------------------------------------------------------------+
 * |                    messages, then the MAC                     |
 */

/** Largest datagram with its MAC; fits every path without fragments. */
export const LEASE_DATAGRAM_BYTES_MAX = 1200;
/** Length of the MAC that the runtime appends. */
export const LEASE_MAC_BYTES = 16;

const MAGIC = 0x564c;
const VERSION = 1;
const HEADER_BYTES = 52;
/** Councils of one set. */
export const COUNCIL_ID_MAX = 255;
const GENERATION_MAX = 0xffffff;
const COUNCIL_OFFSET = 28;
const BODY_BYTES_MAX = LEASE_DATAGRAM_BYTES_MAX - LEASE_MAC_BYTES;

/** Encodes header and 1 to 255 messages, without the MAC; throws `WireError` (`limit`) beyond 1,184 octets. */
export function encodeLeaseDatagram(header: LeaseHeader, messages: readonly LeaseMessage[]): Uint8Array {
  if (messages.length === 0) throw new WireError('missing', 0, 'a lease datagram without messages');
  const writer = new ByteWriter(BODY_BYTES_MAX, BODY_BYTES_MAX);
  writer.u16(MAGIC).u8(VERSION).u8(messages.length);
  writer.u32(header.sender).u32(header.receiver).u64(header.incarnation).u64(header.sequence);
  writer.u32(councilWord(header)).u32(header.council.number);
  writeHex64(writer, header.council.randomId);
  writer.u64(header.clockUs);
  for (const message of messages) writeMessage(writer, message);
  return writer.finish();
}

/** Decodes a datagram whose MAC was checked and removed. Throws `WireError`. */
export function decodeLeaseDatagram(bytes: Uint8Array): {
  readonly header: LeaseHeader;
  readonly messages: readonly LeaseMessage[];
} {
  if (bytes.length > BODY_BYTES_MAX) {
    throw new WireError('limit', 0, `lease datagram of ${bytes.length} octets`);
  }
  const reader = new ByteReader(bytes);
  if (reader.u16() !== MAGIC) throw new WireError('unknown', 0, 'not a lease datagram');
  const version = reader.u8();
  if (version !== VERSION) throw new WireError('unknown', 2, `lease datagram of version ${version}`);
  const count = reader.u8();
  if (count === 0) throw new WireError('missing', 3, 'a lease datagram without messages');
  const header: LeaseHeader = {
    sender: reader.u32(),
    receiver: reader.u32(),
    incarnation: reader.u64(),
    sequence: reader.u64(),
    ...readCouncil(reader),
    clockUs: reader.u64(),
  };
  const messages = Array.from({ length: count }, () => readMessage(reader));
  reader.expectEnd();
  return { header, messages };
}

function councilWord({ councilId, council: { generation } }: LeaseHeader): number {
  if (councilId < 1 || councilId > COUNCIL_ID_MAX)
    throw new WireError('limit', COUNCIL_OFFSET, `council ${councilId} of a set`);
  // An epoch has as many bits for it.
  if (generation > GENERATION_MAX) throw new WireError('limit', COUNCIL_OFFSET, `generation ${generation}`);
  return councilId * (GENERATION_MAX + 1) + generation;
}

function readCouncil(reader: ByteReader): Pick<LeaseHeader, 'councilId' | 'council'> {
  const word = reader.u32();
  const councilId = Math.floor(word / (GENERATION_MAX + 1));
  if (councilId === 0) throw new WireError('limit', COUNCIL_OFFSET, 'a council without a number');
  const generation = word % (GENERATION_MAX + 1);
  return { councilId, council: { generation, number: reader.u32(), randomId: readHex64(reader) } };
}

/** Splits what goes to one peer into lists that fit one datagram each, in order. */
export function batchLeaseMessages(messages: readonly LeaseMessage[]): LeaseMessage[][] {
  const batches: LeaseMessage[][] = [];
  let room = 0;
  let open: LeaseMessage[] = [];
  for (const message of messages) {
    const length = lengthOf(message);
    if (open.length === 0 || length > room || open.length === 255) {
      open = [];
      batches.push(open);
      room = BODY_BYTES_MAX - HEADER_BYTES;
    }
    open.push(message);
    room -= length;
  }
  return batches;
}

function lengthOf(message: LeaseMessage): number {
  // Known without writing it: it is most of what is sent.
  if (message.type === 'renew-many') return renewalsLength(message);
  if (message.type === 'renew-again') return RENEW_AGAIN_BYTES;
  const writer = new ByteWriter(BODY_BYTES_MAX - HEADER_BYTES);
  writeMessage(writer, message);
  return writer.length;
}
