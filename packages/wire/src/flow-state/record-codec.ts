// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { readFields, writeFields, writeZone } from './fields.ts';
import type { FlowEntry, FlowKey } from './flow.ts';
import { invertTuple, isSameAddress, isSameLayer4 } from './inverse.ts';
import {
  isIpv6,
  readLayer4,
  readShape,
  readTuple,
  SHAPE_REPLY,
  SHAPE_REPLY_DESTINATION,
  SHAPE_REPLY_LAYER4,
  SHAPE_REPLY_SOURCE,
  shapeOf,
  writeLayer4,
  writeTuple,
} from './tuple-codec.ts';

/*
 *   flow: shape 8, protocol 8, status 16, timeout 32 (seconds), the original tuple, of the reply what is not the
 *         original's inverse (source, destination, layer 4, as the shape says), fields
 *   gone: shape 8, protocol 8, the original tuple, a field with the zone
 */

export function writeFlow(writer: ByteWriter, entry: FlowEntry): void {
  const { original, reply } = entry;
  const own = shapeOf(original, writer.length);
  if (shapeOf(reply, writer.length) !== own || reply.protocol !== original.protocol) {
    throw new WireError('value', writer.length, 'the two tuples of a flow are of different kinds');
  }
  const plain = invertTuple(original);
  const hasSource = !isSameAddress(reply.source, plain.source);
  const hasDestination = !isSameAddress(reply.destination, plain.destination);
  const hasLayer4 = !isSameLayer4(reply.layer4, plain.layer4);
  const shape =
    own |
    (hasSource ? SHAPE_REPLY_SOURCE : 0) |
    (hasDestination ? SHAPE_REPLY_DESTINATION : 0) |
    (hasLayer4 ? SHAPE_REPLY_LAYER4 : 0);
  writer.u8(shape).u8(original.protocol).u16(entry.status).u32(entry.timeoutSeconds);
  writeTuple(writer, original);
  if (hasSource) writer.bytes(reply.source);
  if (hasDestination) writer.bytes(reply.destination);
  if (hasLayer4) writeLayer4(writer, reply.layer4);
  writeFields(writer, entry);
}

export function readFlow(reader: ByteReader): FlowEntry {
  const shape = readShape(reader, SHAPE_REPLY);
  const protocol = reader.u8();
  const status = reader.u16();
  const timeoutSeconds = reader.u32();
  const original = readTuple(reader, shape, protocol);
  const plain = invertTuple(original);
  const octets = isIpv6(shape) ? 16 : 4;
  const reply = {
    source: (shape & SHAPE_REPLY_SOURCE) !== 0 ? reader.bytes(octets) : plain.source,
    destination: (shape & SHAPE_REPLY_DESTINATION) !== 0 ? reader.bytes(octets) : plain.destination,
    protocol,
    layer4: (shape & SHAPE_REPLY_LAYER4) !== 0 ? readLayer4(reader, shape) : plain.layer4,
  };
  return { original, reply, status, timeoutSeconds, ...readFields(reader) };
}

export function writeKey(writer: ByteWriter, key: FlowKey): void {
  writer.u8(shapeOf(key.original, writer.length)).u8(key.original.protocol);
  writeTuple(writer, key.original);
  writeZone(writer, key.zone, key.zoneDirection);
}

export function readKey(reader: ByteReader): FlowKey {
  const shape = readShape(reader, 0);
  const original = readTuple(reader, shape, reader.u8());
  const { zone, zoneDirection } = readFields(reader);
  return { original, zone, zoneDirection };
}
