// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import type { FlowEntry, FlowSequenceShift, FlowZoneDirection } from './flow.ts';
import { readShape, readTuple, shapeOf, writeTuple } from './tuple-codec.ts';

/*
 * Optional fields behind the tuples: type 8, length 8, value. A type below 128 changes what the flow is and must be
 * understood; one from 128 on may be skipped. No known type occurs twice.
 */

const SKIPPABLE = 0x80;
/** Longest name of a helper, in octets. */
export const HELPER_BYTES_MAX = 15;
/** Most octets of labels: 128 bits. */
export const LABEL_BYTES_MAX = 16;
/** Window scales end here. @see RFC 7323 §2.3 */
const SCALE_MAX = 14;

const FIELD_ZONE = 1;
const FIELD_MARK = 2;
const FIELD_TCP = 3;
const FIELD_SCTP = 4;
const FIELD_HELPER = 5;
const FIELD_LABELS = 6;
const FIELD_MASTER = 7;
const FIELD_SHIFTS = 8;
const FIELD_COUNTERS = 128;

const DIRECTIONS: readonly FlowZoneDirection[] = ['both', 'original', 'reply'];

/** What fields say; a field that is not there leaves its value. */
export type FlowFields = { -readonly [Name in keyof Omit<FlowEntry, FixedName>]: FlowEntry[Name] };
type FixedName = 'original' | 'reply' | 'status' | 'timeoutSeconds';

function field(writer: ByteWriter, type: number, write: () => void): void {
  writer.u8(type).u8(0);
  const start = writer.length;
  write();
  // The length alone is patched; the writer patches 16 bits, so the type goes again.
  writer.patchU16(start - 2, (type << 8) | (writer.length - start));
}

export function writeZone(writer: ByteWriter, zone: number, direction: FlowZoneDirection): void {
  if (zone === 0) return;
  writer.u8(FIELD_ZONE).u8(3).u16(zone).u8(DIRECTIONS.indexOf(direction));
}

export function writeFields(writer: ByteWriter, entry: FlowEntry): void {
  writeZone(writer, entry.zone, entry.zoneDirection);
  if (entry.mark !== 0) writer.u8(FIELD_MARK).u8(4).u32(entry.mark);
  const { tcp, sctp, helper, labels, master, shifts, counters } = entry;
  if (tcp !== null) {
    writer.u8(FIELD_TCP).u8(5).u8(tcp.state);
    writeScale(writer, tcp.originalScale);
    writeScale(writer, tcp.replyScale);
    writer.u8(tcp.originalFlags).u8(tcp.replyFlags);
  }
  if (sctp !== null) {
    writer.u8(FIELD_SCTP).u8(9).u8(sctp.state).u32(sctp.originalTag).u32(sctp.replyTag);
  }
  if (helper !== null) field(writer, FIELD_HELPER, () => writeBounded(writer, helper));
  if (labels !== null) {
    checkSize(writer.length, 'labels', labels.length, LABEL_BYTES_MAX);
    writer.u8(FIELD_LABELS).u8(labels.length).bytes(labels);
  }
  if (master !== null) {
    field(writer, FIELD_MASTER, () => {
      writer.u8(shapeOf(master, writer.length)).u8(master.protocol);
      writeTuple(writer, master);
    });
  }
  if (shifts !== null) {
    writer.u8(FIELD_SHIFTS).u8(24);
    for (const { position, before, after } of [shifts.original, shifts.reply]) {
      writer.u32(position).i32(before).i32(after);
    }
  }
  if (counters !== null) {
    writer.u8(FIELD_COUNTERS).u8(32).u64(counters.originalPackets).u64(counters.originalBytes);
    writer.u64(counters.replyPackets).u64(counters.replyBytes);
  }
}

function writeBounded(writer: ByteWriter, text: string): void {
  const start = writer.length;
  writer.utf8(text);
  checkSize(start, 'helper name', writer.length - start, HELPER_BYTES_MAX);
}

function writeScale(writer: ByteWriter, scale: number): void {
  if (scale > SCALE_MAX) throw new WireError('value', writer.length, `window scale ${scale}`);
  writer.u8(scale);
}

function checkSize(offset: number, what: string, octets: number, max: number): void {
  if (octets < 1 || octets > max) {
    throw new WireError('limit', offset, `${what} of ${octets} octets, 1 to ${max} are allowed`);
  }
}

/** Reads fields to the end of the reader. */
export function readFields(reader: ByteReader): FlowFields {
  const fields: FlowFields = {
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp: null,
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
  let seen = 0;
  while (reader.remaining > 0) {
    const { offset } = reader;
    const type = reader.u8();
    const inner = reader.sub(reader.u8());
    const read = READERS.get(type);
    if (read === undefined) {
      if (type < SKIPPABLE) throw new WireError('unknown', offset, `flow field ${type}`);
      continue;
    }
    const bit = 1 << (type % SKIPPABLE);
    if ((seen & bit) !== 0) throw new WireError('duplicate', offset, `flow field ${type} again`);
    seen |= bit;
    read(inner, fields);
    inner.expectEnd();
  }
  return fields;
}

const READERS: ReadonlyMap<number, (reader: ByteReader, fields: FlowFields) => void> = new Map([
  [
    FIELD_ZONE,
    (reader, fields) => {
      fields.zone = reader.u16();
      const { offset } = reader;
      const code = reader.u8();
      const direction = DIRECTIONS[code];
      if (direction === undefined) throw new WireError('value', offset, `zone direction ${code}`);
      // Without a zone there is no direction: one form for one meaning.
      fields.zoneDirection = fields.zone === 0 ? 'both' : direction;
    },
  ],
  [
    FIELD_MARK,
    (reader, fields) => {
      fields.mark = reader.u32();
    },
  ],
  [
    FIELD_TCP,
    (reader, fields) => {
      fields.tcp = {
        state: reader.u8(),
        originalScale: readScale(reader),
        replyScale: readScale(reader),
        originalFlags: reader.u8(),
        replyFlags: reader.u8(),
      };
    },
  ],
  [
    FIELD_SCTP,
    (reader, fields) => {
      fields.sctp = { state: reader.u8(), originalTag: reader.u32(), replyTag: reader.u32() };
    },
  ],
  [
    FIELD_HELPER,
    (reader, fields) => {
      checkSize(reader.offset, 'helper name', reader.remaining, HELPER_BYTES_MAX);
      fields.helper = reader.utf8(reader.remaining);
    },
  ],
  [
    FIELD_LABELS,
    (reader, fields) => {
      checkSize(reader.offset, 'labels', reader.remaining, LABEL_BYTES_MAX);
      fields.labels = reader.rest();
    },
  ],
  [
    FIELD_MASTER,
    (reader, fields) => {
      const shape = readShape(reader, 0);
      fields.master = readTuple(reader, shape, reader.u8());
    },
  ],
  [
    FIELD_SHIFTS,
    (reader, fields) => {
      fields.shifts = { original: readShift(reader), reply: readShift(reader) };
    },
  ],
  [
    FIELD_COUNTERS,
    (reader, fields) => {
      fields.counters = {
        originalPackets: reader.u64(),
        originalBytes: reader.u64(),
        replyPackets: reader.u64(),
        replyBytes: reader.u64(),
      };
    },
  ],
]);

function readScale(reader: ByteReader): number {
  const { offset } = reader;
  const scale = reader.u8();
  if (scale > SCALE_MAX) throw new WireError('value', offset, `window scale ${scale}`);
  return scale;
}

function readShift(reader: ByteReader): FlowSequenceShift {
  return { position: reader.u32(), before: reader.i32(), after: reader.i32() };
}
