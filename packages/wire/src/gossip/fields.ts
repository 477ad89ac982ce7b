// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  FLOORS_MAX,
  type GossipFloor,
  type GossipReplica,
  OCTETS_MAX,
  REPLICAS_MAX,
  type ReplicaVersion,
} from './messages.ts';

/** A whole number up to 2^53 - 1 in 64 bits. */
export function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new WireError('value', writer.length, `${value} is not a whole number`);
  // Halves: a `bigint` for each number would be most of the cost.
  writer.u32(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000);
}

export function readNumber(reader: ByteReader): number {
  const { offset } = reader;
  const value = reader.u32() * 0x1_0000_0000 + reader.u32();
  if (!Number.isSafeInteger(value)) throw new WireError('value', offset, 'more than 2^53 - 1');
  return value;
}

/** Version of a step: the first one is 1. */
export function readVersion(reader: ByteReader): number {
  const { offset } = reader;
  const version = readNumber(reader);
  if (version === 0) throw new WireError('value', offset, 'a step of version 0');
  return version;
}

/** Length (16), octets. */
export function writeOctets(writer: ByteWriter, octets: Uint8Array): void {
  checkLength(octets.length, writer.length);
  writer.u16(octets.length).bytes(octets);
}

/** Shares memory with the message. */
export function readOctets(reader: ByteReader): Uint8Array {
  const { offset } = reader;
  const length = reader.u16();
  checkLength(length, offset);
  return reader.bytes(length);
}

function checkLength(length: number, offset: number): void {
  if (length > OCTETS_MAX) throw new WireError('limit', offset, `${length} octets in one string`);
}

/** How many (16), at most `most`. */
export function writeCount(writer: ByteWriter, count: number, most: number, what: string): void {
  if (count > most) throw new WireError('limit', writer.length, `${count} ${what}`);
  writer.u16(count);
}

export function readCount(reader: ByteReader, most: number, what: string): number {
  const { offset } = reader;
  const count = reader.u16();
  if (count > most) throw new WireError('limit', offset, `${count} ${what}`);
  return count;
}

export function writeBoolean(writer: ByteWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

export function readBoolean(reader: ByteReader): boolean {
  const { offset } = reader;
  const value = reader.u8();
  if (value > 1) throw new WireError('value', offset, `${value} is neither yes nor no`);
  return value === 1;
}

/** Whether there is one (8), and it (64). */
export function writeSum(writer: ByteWriter, sum: bigint | null): void {
  writeBoolean(writer, sum !== null);
  if (sum !== null) writer.u64(sum);
}

export function readSum(reader: ByteReader): bigint | null {
  return readBoolean(reader) ? reader.u64() : null;
}

/** Origin (32), incarnation (64). */
export function writeReplica(writer: ByteWriter, { origin, incarnation }: GossipReplica): void {
  writer.u32(origin).u64(incarnation);
}

export function readReplica(reader: ByteReader): GossipReplica {
  return { origin: reader.u32(), incarnation: reader.u64() };
}

/** How many (16), then for each origin, incarnation, version (64). */
export function writeVector(writer: ByteWriter, replicas: readonly ReplicaVersion[]): void {
  writeCount(writer, replicas.length, REPLICAS_MAX, 'replicas');
  for (const replica of replicas) writeNumber(replicaWritten(writer, replica), replica.version);
}

export function readVector(reader: ByteReader): ReplicaVersion[] {
  const count = readCount(reader, REPLICAS_MAX, 'replicas');
  const replicas: ReplicaVersion[] = [];
  const known = new Set<string>();
  while (replicas.length < count) {
    const { offset } = reader;
    const replica = readReplica(reader);
    const name = `${replica.origin}.${replica.incarnation}`;
    if (known.has(name)) throw new WireError('duplicate', offset, `replica ${name} twice`);
    known.add(name);
    replicas.push({ ...replica, version: readNumber(reader) });
  }
  return replicas;
}

/** How many (16), then for each origin, incarnation, and origin, incarnation and version (64) of the heir. */
export function writeFloors(writer: ByteWriter, floors: readonly GossipFloor[]): void {
  writeCount(writer, floors.length, FLOORS_MAX, 'floors');
  for (const floor of floors)
    writeNumber(replicaWritten(replicaWritten(writer, floor), floor.heir), floor.heir.version);
}

export function readFloors(reader: ByteReader): GossipFloor[] {
  const count = readCount(reader, FLOORS_MAX, 'floors');
  const floors: GossipFloor[] = [];
  while (floors.length < count) {
    const gone = readReplica(reader);
    floors.push({ ...gone, heir: { ...readReplica(reader), version: readNumber(reader) } });
  }
  return floors;
}

function replicaWritten(writer: ByteWriter, replica: GossipReplica): ByteWriter {
  writeReplica(writer, replica);
  return writer;
}
