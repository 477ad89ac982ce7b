// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import type { FlowLayer4, FlowTuple } from './flow.ts';

/*
 * A tuple's shape in one octet, which tells the sizes of what follows:
 *
 *   7 6 | 5 4           | 3          | 2                | 1             | 0
 *   0 0 | layer 4 kind  | the reply: has a layer 4, destination, source  | IPv6
 */
export const SHAPE_IPV6 = 0x01;
export const SHAPE_REPLY_SOURCE = 0x02;
export const SHAPE_REPLY_DESTINATION = 0x04;
export const SHAPE_REPLY_LAYER4 = 0x08;
export const SHAPE_REPLY = 0x0e;
const SHAPE_LAYER4_SHIFT = 4;
const SHAPE_RESERVED = 0xc0;

const KINDS: readonly (NonNullable<FlowLayer4>['kind'] | null)[] = [null, 'ports', 'icmp'];

export function isIpv6(shape: number): boolean {
  return (shape & SHAPE_IPV6) !== 0;
}

/** The bits of the shape that a tuple by itself has. */
export function shapeOf(tuple: FlowTuple, offset: number): number {
  const octets = tuple.source.length;
  if ((octets !== 4 && octets !== 16) || tuple.destination.length !== octets) {
    const about = `addresses of ${octets} and ${tuple.destination.length} octets`;
    throw new WireError('value', offset, about);
  }
  const kind = KINDS.indexOf(tuple.layer4 === null ? null : tuple.layer4.kind);
  return (octets === 16 ? SHAPE_IPV6 : 0) | (kind << SHAPE_LAYER4_SHIFT);
}

/** Reads the shape; `allowed` are the bits of the reply that may be set here. */
export function readShape(reader: ByteReader, allowed: number): number {
  const { offset } = reader;
  const shape = reader.u8();
  const wrong = shape & (SHAPE_RESERVED | (SHAPE_REPLY & ~allowed));
  if (wrong !== 0 || shape >> SHAPE_LAYER4_SHIFT >= KINDS.length) {
    throw new WireError('value', offset, `shape ${shape}`);
  }
  // A protocol without numbers has none in its reply.
  if ((shape & SHAPE_REPLY_LAYER4) !== 0 && shape >> SHAPE_LAYER4_SHIFT === 0) {
    throw new WireError('value', offset, `shape ${shape} with a reply's layer 4 that has no size`);
  }
  return shape;
}

/** Ports: source 16, destination 16. ICMP: type 8, code 8, identifier 16. Nothing for null. */
export function writeLayer4(writer: ByteWriter, layer4: FlowLayer4): void {
  if (layer4 === null) return;
  if (layer4.kind === 'ports') writer.u16(layer4.source).u16(layer4.destination);
  else writer.u8(layer4.type).u8(layer4.code).u16(layer4.id);
}

export function readLayer4(reader: ByteReader, shape: number): FlowLayer4 {
  const kind = KINDS[shape >> SHAPE_LAYER4_SHIFT] ?? null;
  if (kind === null) return null;
  if (kind === 'ports') return { kind, source: reader.u16(), destination: reader.u16() };
  return { kind, type: reader.u8(), code: reader.u8(), id: reader.u16() };
}

/** Addresses, then layer 4; shape and protocol stand elsewhere. */
export function writeTuple(writer: ByteWriter, tuple: FlowTuple): void {
  writer.bytes(tuple.source).bytes(tuple.destination);
  writeLayer4(writer, tuple.layer4);
}

/** The addresses share memory with the input. */
export function readTuple(reader: ByteReader, shape: number, protocol: number): FlowTuple {
  const octets = isIpv6(shape) ? 16 : 4;
  return {
    source: reader.bytes(octets),
    destination: reader.bytes(octets),
    protocol,
    layer4: readLayer4(reader, shape),
  };
}
