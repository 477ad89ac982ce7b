// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readCell, readPlace, writeCell, writePlace } from './cell-codec.ts';
import {
  readBoolean,
  readCount,
  readFloors,
  readNumber,
  readReplica,
  readSum,
  readVector,
  writeBoolean,
  writeCount,
  writeFloors,
  writeNumber,
  writeReplica,
  writeSum,
  writeVector,
} from './fields.ts';
import {
  GOSSIP_BYTES_MAX,
  type GossipCell,
  type GossipFloor,
  type GossipMessage,
  type GossipRun,
  REPLICAS_MAX,
  type ReplicaVersion,
} from './messages.ts';

/*
 * header: magic (16), version (8), type (8), sender's origin (32) and incarnation (64)
 * digest: vector, floors, sum, whether an answer is wanted (8)
 * delta:  vector, floors, sum, whether there is more (8), number of cells (16) and each of them, number of runs (16) and for each
 *         its replica's place (8), the version before (64), number of steps (16), and of each step its cell's place (16)
 * behind: nothing
 * request: place
 * part:   vector, floors, place behind which it begins, place of the last one, number of cells (16) and each of them
 */

/** `VG`: tells a stranger's message from ours at its first octets. */
const MAGIC = 0x5647;
const VERSION = 2;
/** Octets before what a message of one type has. */
export const GOSSIP_HEADER_BYTES = 16;
/** Octets of a delta, or of a part, that are always there: with the header, but without vector, floors and places. */
export const GOSSIP_FRAME_BYTES: number = GOSSIP_HEADER_BYTES + 20;
/** Octets of one replica in a vector, one floor, one run without its steps, one step. */
export const REPLICA_BYTES = 20;
export const FLOOR_BYTES = 32;
export const RUN_BYTES = 11;
export const STEP_BYTES = 2;

/** More of them do not fit a message. */
const LIST_MAX = 0xffff;

type Type = GossipMessage['type'];
type OfType<Name extends Type> = Extract<GossipMessage, { type: Name }>;

/** What follows the header. */
interface Body<Name extends Type> {
  readonly code: number;
  write(writer: ByteWriter, message: OfType<Name>): void;
  read(reader: ByteReader): Omit<OfType<Name>, 'type' | 'sender'>;
}

const BODIES: { readonly [Name in Type]: Body<Name> } = {
  digest: {
    code: 1,
    write: (writer, message) => {
      writeKnowledge(writer, message);
      writeSum(writer, message.digest);
      writeBoolean(writer, message.wantsAnswer);
    },
    read: (reader) => ({
      ...readKnowledge(reader),
      digest: readSum(reader),
      wantsAnswer: readBoolean(reader),
    }),
  },
  delta: {
    code: 2,
    write: (writer, message) => {
      writeKnowledge(writer, message);
      writeSum(writer, message.digest);
      writeBoolean(writer, message.hasMore);
      writeCells(writer, message.cells, message.replicas.length);
      writeCount(writer, message.runs.length, REPLICAS_MAX, 'runs');
      for (const run of message.runs) writeRun(writer, run, message.replicas.length, message.cells.length);
    },
    read: (reader) => {
      const knowledge = { ...readKnowledge(reader), digest: readSum(reader) };
      const hasMore = readBoolean(reader);
      const cells = readCells(reader, knowledge.replicas.length);
      const count = readCount(reader, REPLICAS_MAX, 'runs');
      const runs: GossipRun[] = [];
      while (runs.length < count) runs.push(readRun(reader, knowledge.replicas.length, cells.length));
      return { ...knowledge, hasMore, cells, runs };
    },
  },
  behind: { code: 3, write: () => {}, read: () => ({}) },
  request: {
    code: 4,
    write: (writer, message) => writePlace(writer, message.after),
    read: (reader) => ({ after: readPlace(reader) }),
  },
  part: {
    code: 5,
    write: (writer, message) => {
      writeKnowledge(writer, message);
      writePlace(writer, message.after);
      writePlace(writer, message.until);
      writeCells(writer, message.cells, message.replicas.length);
    },
    read: (reader) => {
      const knowledge = readKnowledge(reader);
      const after = readPlace(reader);
      const until = readPlace(reader);
      return { ...knowledge, after, until, cells: readCells(reader, knowledge.replicas.length) };
    },
  },
};

const TYPES_BY_CODE = new Map(
  (Object.entries(BODIES) as [Type, Body<Type>][]).map(([type, { code }]) => [code, type]),
);

/** Encodes a message; throws `WireError` for values that no field can tell and for more than a message holds. */
export function encodeGossip(message: GossipMessage): Uint8Array {
  const body = BODIES[message.type] as Body<Type>;
  const writer = new ByteWriter(GOSSIP_BYTES_MAX);
  writeReplica(writer.u16(MAGIC).u8(VERSION).u8(body.code), message.sender);
  body.write(writer, message);
  return writer.take();
}

/** Decodes one whole message. Strings share memory with it. Throws `WireError`. */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  if (bytes.length > GOSSIP_BYTES_MAX) throw new WireError('limit', 0, `message of ${bytes.length} octets`);
  const reader = new ByteReader(bytes);
  if (reader.u16() !== MAGIC) throw new WireError('unknown', 0, 'not a message of gossip');
  const version = reader.u8();
  if (version !== VERSION) throw new WireError('unknown', 2, `gossip of version ${version}`);
  const code = reader.u8();
  const type = TYPES_BY_CODE.get(code);
  if (type === undefined) throw new WireError('unknown', 3, `gossip message of type ${code}`);
  const sender = readReplica(reader);
  const message = { type, sender, ...BODIES[type].read(reader) } as GossipMessage;
  reader.expectEnd();
  return message;
}

interface Known {
  readonly replicas: readonly ReplicaVersion[];
  readonly floors: readonly GossipFloor[];
}

function writeKnowledge(writer: ByteWriter, { replicas, floors }: Known): void {
  writeVector(writer, replicas);
  writeFloors(writer, floors);
}

function readKnowledge(reader: ByteReader): Known {
  return { replicas: readVector(reader), floors: readFloors(reader) };
}

function writeCells(writer: ByteWriter, cells: readonly GossipCell[], replicas: number): void {
  writeCount(writer, cells.length, LIST_MAX, 'cells');
  for (const cell of cells) writeCell(writer, cell, replicas);
}

function readCells(reader: ByteReader, replicas: number): GossipCell[] {
  const count = reader.u16();
  const cells: GossipCell[] = [];
  while (cells.length < count) cells.push(readCell(reader, replicas));
  return cells;
}

function writeRun(writer: ByteWriter, run: GossipRun, replicas: number, cells: number): void {
  checkPlace(run.replica, replicas, writer.length);
  writeNumber(writer.u8(run.replica), run.from);
  if (run.steps.length === 0) throw new WireError('missing', writer.length, 'a run without steps');
  writeCount(writer, run.steps.length, LIST_MAX, 'steps');
  for (const step of run.steps) {
    checkPlace(step, cells, writer.length);
    writer.u16(step);
  }
}

function readRun(reader: ByteReader, replicas: number, cells: number): GossipRun {
  const { offset } = reader;
  const replica = reader.u8();
  checkPlace(replica, replicas, offset);
  const from = readNumber(reader);
  const count = reader.u16();
  if (count === 0) throw new WireError('missing', offset, 'a run without steps');
  if (!Number.isSafeInteger(from + count)) throw new WireError('value', offset, 'versions beyond 2^53 - 1');
  const steps: number[] = [];
  while (steps.length < count) {
    const at = reader.offset;
    const step = reader.u16();
    checkPlace(step, cells, at);
    steps.push(step);
  }
  return { replica, from, steps };
}

function checkPlace(place: number, count: number, offset: number): void {
  if (place >= count) throw new WireError('value', offset, `place ${place} in a list of ${count}`);
}
