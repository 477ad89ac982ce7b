// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  readCount,
  readNumber,
  readOctets,
  readVersion,
  writeCount,
  writeNumber,
  writeOctets,
} from './fields.ts';
import {
  type CellKind,
  type CellPlace,
  type CellValue,
  type GossipCell,
  type GossipDot,
  type GossipEntry,
  REPLICAS_MAX,
  TIME_MAX,
} from './messages.ts';

/*
 * place: kind (8), key, and for an element the element; strings with their length (16)
 * cell:  place, number of dots seen (16) and for each its replica's place (8) and version (64),
 *        number of entries (16) and for each a dot and its value
 * value: of a counter plus (64) and minus (64); of a register time (64) and a string; of an element nothing
 */

// Their places are what travels: 1, 2, 3. 0 stands for no place.
const KINDS: readonly CellKind[] = ['counter', 'register', 'element'];
const NOTHING = new Uint8Array(0);

/** Octets that `writeCell` writes. */
export function cellBytes(cell: GossipCell): number {
  let length = placeBytes(cell) + 4 + 9 * (cell.seen.length + cell.entries.length);
  for (const { value } of cell.entries) {
    if (value.kind === 'counter') length += 16;
    else if (value.kind === 'register') length += 10 + value.value.length;
  }
  return length;
}

export function placeBytes({ kind, key, element }: CellPlace): number {
  return 3 + key.length + (kind === 'element' ? 2 + element.length : 0);
}

export function writePlace(writer: ByteWriter, place: CellPlace | null): void {
  if (place === null) {
    writer.u8(0);
    return;
  }
  writeOctets(writer.u8(KINDS.indexOf(place.kind) + 1), place.key);
  if (place.kind === 'element') writeOctets(writer, place.element);
  else if (place.element.length > 0)
    throw new WireError('value', writer.length, `a ${place.kind} with an element`);
}

export function readPlace(reader: ByteReader): CellPlace | null {
  const { offset } = reader;
  const code = reader.u8();
  if (code === 0) return null;
  const kind = KINDS[code - 1];
  if (kind === undefined) throw new WireError('unknown', offset, `cell of kind ${code}`);
  const key = readOctets(reader);
  return { kind, key, element: kind === 'element' ? readOctets(reader) : NOTHING };
}

/** `replicas`: how many the message lists. */
export function writeCell(writer: ByteWriter, cell: GossipCell, replicas: number): void {
  writePlace(writer, cell);
  writeDots(writer, cell.seen, replicas, () => {});
  writeDots(writer, cell.entries, replicas, ({ value }) => {
    if (value.kind !== cell.kind)
      throw new WireError('value', writer.length, `a ${value.kind} in a cell of kind ${cell.kind}`);
    writeValue(writer, value);
  });
}

export function readCell(reader: ByteReader, replicas: number): GossipCell {
  const { offset } = reader;
  const place = readPlace(reader);
  if (place === null) throw new WireError('missing', offset, 'a cell without a place');
  const seen: GossipDot[] = [];
  readDots(reader, replicas, (dot) => seen.push(dot));
  const entries: GossipEntry[] = [];
  readDots(reader, replicas, ({ replica, version }) =>
    entries.push({ replica, version, value: readValue(reader, place.kind) }),
  );
  return { ...place, seen, entries };
}

function writeDots<Dot extends GossipDot>(
  writer: ByteWriter,
  dots: readonly Dot[],
  replicas: number,
  write: (dot: Dot) => void,
): void {
  writeCount(writer, dots.length, REPLICAS_MAX, 'dots');
  let before = -1;
  for (const dot of dots) {
    checkOrder(dot.replica, before, replicas, writer.length);
    before = dot.replica;
    if (dot.version === 0) throw new WireError('value', writer.length, 'a step of version 0');
    writeNumber(writer.u8(dot.replica), dot.version);
    write(dot);
  }
}

function readDots(reader: ByteReader, replicas: number, take: (dot: GossipDot) => void): void {
  const count = readCount(reader, REPLICAS_MAX, 'dots');
  let before = -1;
  for (let at = 0; at < count; at += 1) {
    const { offset } = reader;
    const replica = reader.u8();
    checkOrder(replica, before, replicas, offset);
    before = replica;
    take({ replica, version: readVersion(reader) });
  }
}

/** One dot a replica: a step replaces what its replica left in the cell before. */
function checkOrder(replica: number, before: number, replicas: number, offset: number): void {
  if (replica >= replicas) throw new WireError('value', offset, `replica ${replica} of ${replicas}`);
  if (replica <= before) throw new WireError('duplicate', offset, `replica ${replica} behind ${before}`);
}

function writeValue(writer: ByteWriter, value: CellValue): void {
  if (value.kind === 'counter') {
    writeNumber(writer, value.plus);
    writeNumber(writer, value.minus);
  } else if (value.kind === 'register') {
    if (value.time > TIME_MAX) throw new WireError('value', writer.length, `time ${value.time}`);
    writeOctets(writer.u64(value.time), value.value);
  }
}

function readValue(reader: ByteReader, kind: CellKind): CellValue {
  if (kind === 'counter') return { kind, plus: readNumber(reader), minus: readNumber(reader) };
  if (kind === 'element') return { kind };
  const { offset } = reader;
  const time = reader.u64();
  if (time > TIME_MAX) throw new WireError('value', offset, `time ${time}`);
  return { kind, time, value: readOctets(reader) };
}
