// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { OCTETS_MAX } from '../gossip/messages.ts';
import {
  MERGE_FRAME_BYTES_MAX,
  type MergeKey,
  type MergeMessage,
  type MergeRefusal,
  type MergeRequest,
} from './messages.ts';

/*
 * frame:    length (32: octets that follow), type (8), body; all numbers big-endian
 * requests: number of the first (64), then to the end: what (8), key, and by how much (64, two's complement), or the value or element
 * keys:     to the end: key, flags (8: 1 first, 2 last, 4 counter, 8 register), counter (64), register, how many elements (16), each
 * done:     number (64)
 * refused:  number (64), reason (8)
 * key, value, element: length (16), octets
 */

type Type = MergeMessage['type'];

/** Octets before the body, with the type. */
export const MERGE_HEADER_BYTES = 4;
const TYPES: readonly Type[] = ['requests', 'keys', 'done', 'refused'];
const REQUESTS: readonly MergeRequest['type'][] = ['count', 'write', 'add', 'discard', 'remove', 'read'];
const REASONS: readonly MergeRefusal[] = [
  'cells',
  'octets',
  'replicas',
  'value',
  'clock',
  'gone',
  'incarnation',
  'closed',
];
const FIRST = 1;
const LAST = 2;
const COUNTER = 4;
const REGISTER = 8;
const FLAGS = FIRST | LAST | COUNTER | REGISTER;

/** Encodes a message with its length. @throws WireError for what no frame takes */
export function encodeMerge(message: MergeMessage): Uint8Array {
  const writer = new ByteWriter(MERGE_FRAME_BYTES_MAX);
  writer.u32(0).u8(TYPES.indexOf(message.type) + 1);
  switch (message.type) {
    case 'requests':
      writeWhole(writer, message.first);
      checkAny(message.requests.length, writer.length);
      for (const request of message.requests) writeRequest(writer, request);
      break;
    case 'keys':
      checkAny(message.keys.length, writer.length);
      for (const key of message.keys) writeKey(writer, key);
      break;
    case 'done':
      writeWhole(writer, message.number);
      break;
    case 'refused':
      writeWhole(writer, message.number);
      writer.u8(REASONS.indexOf(message.reason) + 1);
      break;
  }
  return writer.patchU32(0, writer.length - MERGE_HEADER_BYTES).finish();
}

/** Decodes one whole frame; what it has shares memory with it. @throws WireError */
export function decodeMerge(frame: Uint8Array): MergeMessage {
  if (frame.length < MERGE_HEADER_BYTES || mergeFrameBytes(frame) !== frame.length)
    throw new WireError('length', 0, `${frame.length} octets are not what the length says`);
  const reader = new ByteReader(frame);
  reader.skip(MERGE_HEADER_BYTES);
  const type = placed(TYPES, reader);
  const message = readBody(type, reader);
  reader.expectEnd();
  return message;
}

/** Octets of the whole frame that begins with these four. @throws WireError when no frame can have this length */
export function mergeFrameBytes(header: Uint8Array): number {
  const length = new ByteReader(header).u32();
  if (length === 0) throw new WireError('length', 0, 'a frame without a type');
  const total = length + MERGE_HEADER_BYTES;
  if (total > MERGE_FRAME_BYTES_MAX) throw new WireError('limit', 0, `frame of ${total} octets`);
  return total;
}

function readBody(type: Type, reader: ByteReader): MergeMessage {
  switch (type) {
    case 'requests': {
      const first = readWhole(reader);
      if (first === 0) throw new WireError('value', reader.offset, 'the first request is number 1');
      return { type, first, requests: readAll(reader, readRequest) };
    }
    case 'keys':
      return { type, keys: readAll(reader, readKey) };
    case 'done':
      return { type, number: readWhole(reader) };
    case 'refused':
      return { type, number: readWhole(reader), reason: placed(REASONS, reader) };
  }
}

function readAll<Item>(reader: ByteReader, read: (reader: ByteReader) => Item): Item[] {
  const items: Item[] = [];
  while (reader.remaining > 0) items.push(read(reader));
  checkAny(items.length, reader.offset);
  return items;
}

function writeRequest(writer: ByteWriter, request: MergeRequest): void {
  writer.u8(REQUESTS.indexOf(request.type) + 1);
  writeOctets(writer, request.key);
  switch (request.type) {
    case 'count':
      writeSigned(writer, request.by);
      break;
    case 'write':
      writeOctets(writer, request.value);
      break;
    case 'add':
    case 'discard':
      writeOctets(writer, request.element);
      break;
    case 'remove':
    case 'read':
      break;
  }
}

function readRequest(reader: ByteReader): MergeRequest {
  const type = placed(REQUESTS, reader);
  const key = readOctets(reader);
  switch (type) {
    case 'count':
      return { type, key, by: readSigned(reader) };
    case 'write':
      return { type, key, value: readOctets(reader) };
    case 'add':
    case 'discard':
      return { type, key, element: readOctets(reader) };
    case 'remove':
    case 'read':
      return { type, key };
  }
}

function writeKey(writer: ByteWriter, { key, isFirst, isLast, counter, register, elements }: MergeKey): void {
  writeOctets(writer, key);
  writer.u8(
    (isFirst ? FIRST : 0) |
      (isLast ? LAST : 0) |
      (counter === null ? 0 : COUNTER) |
      (register === null ? 0 : REGISTER),
  );
  if (counter !== null) writeSigned(writer, counter);
  if (register !== null) writeOctets(writer, register);
  writer.u16(elements.length);
  for (const element of elements) writeOctets(writer, element);
}

function readKey(reader: ByteReader): MergeKey {
  const key = readOctets(reader);
  const { offset } = reader;
  const flags = reader.u8();
  if (flags > FLAGS) throw new WireError('value', offset, `flags ${flags} are not known`);
  const counter = (flags & COUNTER) === 0 ? null : readSigned(reader);
  const register = (flags & REGISTER) === 0 ? null : readOctets(reader);
  const count = reader.u16();
  const elements: Uint8Array[] = [];
  while (elements.length < count) elements.push(readOctets(reader));
  return { key, isFirst: (flags & FIRST) !== 0, isLast: (flags & LAST) !== 0, counter, register, elements };
}

/** What stands at the place that is told: 1, 2, … */
function placed<Item extends string>(items: readonly Item[], reader: ByteReader): Item {
  const { offset } = reader;
  const code = reader.u8();
  const item = items[code - 1];
  if (item === undefined) throw new WireError('unknown', offset, `${code} is none of ${items.join(', ')}`);
  return item;
}

function writeOctets(writer: ByteWriter, octets: Uint8Array): void {
  checkLength(octets.length, writer.length);
  writer.u16(octets.length).bytes(octets);
}

function readOctets(reader: ByteReader): Uint8Array {
  const { offset } = reader;
  const length = reader.u16();
  checkLength(length, offset);
  return reader.bytes(length);
}

function writeWhole(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new WireError('value', writer.length, `${value} is not a whole number`);
  writer.u64(BigInt(value));
}

function readWhole(reader: ByteReader): number {
  const { offset } = reader;
  const value = Number(reader.u64());
  if (!Number.isSafeInteger(value)) throw new WireError('value', offset, 'more than 2^53 - 1');
  return value;
}

function writeSigned(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value))
    throw new WireError('value', writer.length, `${value} is not a whole number`);
  writer.u64(BigInt.asUintN(64, BigInt(value)));
}

function readSigned(reader: ByteReader): number {
  const { offset } = reader;
  const value = Number(BigInt.asIntN(64, reader.u64()));
  if (!Number.isSafeInteger(value)) throw new WireError('value', offset, 'beyond 2^53 - 1');
  return value;
}

function checkLength(length: number, offset: number): void {
  if (length > OCTETS_MAX) throw new WireError('limit', offset, `${length} octets in one string`);
}

function checkAny(count: number, offset: number): void {
  if (count === 0) throw new WireError('missing', offset, 'nothing in it');
}
