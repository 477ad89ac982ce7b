// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { HELPER_BYTES_MAX } from './fields.ts';
import type { FlowExpectation, FlowTuple } from './flow.ts';
import { readShape, readTuple, shapeOf, writeTuple } from './tuple-codec.ts';

/*
 *   expectation: flags 32, class 32, timeout 32 (seconds), zone 16, the expected tuple, its mask, the master's tuple, fields
 *   tuple:       shape 8, protocol 8, addresses, layer 4
 *   fields:      type 8, length 8, value; 1 helper, 2 translation: is of the reply 8 (0, 1), tuple, 3 function. A type from 128 on
 *                may be skipped
 */
const FIELD_HELPER = 1;
const FIELD_TRANSLATION = 2;
const FIELD_FUNCTION = 3;
const SKIPPABLE = 0x80;
/** Longest name of a function of the kernel that expects, in octets. */
const FUNCTION_BYTES_MAX = 63;

export function writeExpectation(writer: ByteWriter, expectation: FlowExpectation): void {
  const { flags, class: group, timeoutSeconds, zone, tuple, mask, master } = expectation;
  writer.u32(flags).u32(group).u32(timeoutSeconds).u16(zone);
  for (const each of [tuple, mask, master]) writeShaped(writer, each);
  writeFields(writer, expectation);
}

/** What an expectation may have besides. */
export type ExpectationFields = Pick<FlowExpectation, 'helper' | 'translation' | 'function'>;

export function writeFields(
  writer: ByteWriter,
  { helper, translation, function: name }: ExpectationFields,
): void {
  if (helper !== null) writeText(writer, FIELD_HELPER, helper, HELPER_BYTES_MAX);
  if (translation !== null) {
    writer.u8(FIELD_TRANSLATION).u8(0);
    const start = writer.length;
    writer.u8(translation.isReply ? 1 : 0);
    writeShaped(writer, translation.tuple);
    writer.patchU16(start - 2, (FIELD_TRANSLATION << 8) | (writer.length - start));
  }
  if (name !== null) writeText(writer, FIELD_FUNCTION, name, FUNCTION_BYTES_MAX);
}

export function readExpectation(reader: ByteReader): FlowExpectation {
  const [flags, group, timeoutSeconds, zone] = [reader.u32(), reader.u32(), reader.u32(), reader.u16()];
  const [tuple, mask, master] = [readShaped(reader), readShaped(reader), readShaped(reader)];
  const fields = readFields(reader);
  return { flags, class: group, timeoutSeconds, zone, tuple, mask, master, ...fields };
}

/** Up to the end. @throws WireError */
export function readFields(reader: ByteReader): ExpectationFields {
  let helper: string | null = null;
  let translation: FlowExpectation['translation'] = null;
  let name: string | null = null;
  const seen = new Set<number>();
  while (reader.remaining > 0) {
    const { offset } = reader;
    const type = reader.u8();
    const inner = reader.sub(reader.u8());
    if (type >= SKIPPABLE) continue;
    if (seen.has(type)) throw new WireError('duplicate', offset, `field ${type} of an expectation again`);
    seen.add(type);
    if (type === FIELD_HELPER) helper = readText(inner, HELPER_BYTES_MAX);
    else if (type === FIELD_FUNCTION) name = readText(inner, FUNCTION_BYTES_MAX);
    else if (type === FIELD_TRANSLATION) {
      const isReply = inner.u8();
      if (isReply > 1) throw new WireError('value', offset, `direction ${isReply} of an expectation`);
      translation = { isReply: isReply === 1, tuple: readShaped(inner) };
    } else throw new WireError('unknown', offset, `field ${type} of an expectation`);
    inner.expectEnd();
  }
  return { helper, translation, function: name };
}

/** A tuple behind its shape and its protocol. */
export function writeShaped(writer: ByteWriter, tuple: FlowTuple): void {
  writer.u8(shapeOf(tuple, writer.length)).u8(tuple.protocol);
  writeTuple(writer, tuple);
}

export function readShaped(reader: ByteReader): FlowTuple {
  const shape = readShape(reader, 0);
  return readTuple(reader, shape, reader.u8());
}

function writeText(writer: ByteWriter, type: number, text: string, max: number): void {
  writer.u8(type).u8(0);
  const start = writer.length;
  writer.utf8(text);
  checkSize(start, writer.length - start, max);
  writer.patchU16(start - 2, (type << 8) | (writer.length - start));
}

function readText(reader: ByteReader, max: number): string {
  checkSize(reader.offset, reader.remaining, max);
  return reader.utf8(reader.remaining);
}

function checkSize(offset: number, octets: number, max: number): void {
  if (octets < 1 || octets > max)
    throw new WireError('limit', offset, `a name of ${octets} octets, 1 to ${max} are allowed`);
}
