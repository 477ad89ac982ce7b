// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readUpdate, readVarint, writeUpdate, writeVarint } from '../replication/fields.ts';
import type { ReplicaUpdate } from '../replication/index.ts';
import {
  CHECKPOINT_BYTES_MAX,
  type CheckpointClaim,
  type CheckpointEnd,
  type CheckpointObject,
  type CheckpointPart,
  type CheckpointPlace,
} from './objects.ts';

/** `VC`. */
const MAGIC = 0x5643;
const VERSION = 1;
const SLOT = /^[0-9a-f]{16}$/;
// Their places are what is written: 1, 2, …
const TYPES: readonly CheckpointObject['type'][] = ['claim', 'part', 'end'];

type Common = Omit<CheckpointEnd, 'type' | 'sequence'>;

/** @throws WireError for values that no field can tell */
export function encodeCheckpoint(object: CheckpointObject): Uint8Array {
  const { type, slot, epoch, number, node, wallMs } = object;
  const room = type === 'part' ? 64 * object.updates.length + 128 : 128;
  const writer = new ByteWriter(CHECKPOINT_BYTES_MAX, Math.min(room, CHECKPOINT_BYTES_MAX));
  if (!SLOT.test(slot)) throw new WireError('value', 0, `${slot} is not a slot`);
  writer
    .u16(MAGIC)
    .u8(VERSION)
    .u8(TYPES.indexOf(type) + 1)
    .u64(BigInt(`0x${slot}`));
  checkPlace(object, type, writer.length);
  writeVarint(writer, epoch);
  writeVarint(writer, number);
  writer.u32(node);
  writeVarint(writer, wallMs);
  if (type === 'claim') writeBase(writer, object);
  else if (type === 'end') writeVarint(writer, object.sequence);
  else writePart(writer, object);
  return writer.finish();
}

/** Decodes one whole object. Values of updates share memory with it. @throws WireError */
export function decodeCheckpoint(octets: Uint8Array): CheckpointObject {
  if (octets.length > CHECKPOINT_BYTES_MAX)
    throw new WireError('limit', 0, `an object of ${octets.length} octets`);
  const reader = new ByteReader(octets);
  if (reader.u16() !== MAGIC) throw new WireError('unknown', 0, 'not an object of a checkpoint');
  const version = reader.u8();
  if (version !== VERSION) throw new WireError('unknown', 2, `a checkpoint of version ${version}`);
  const code = reader.u8();
  const type = TYPES[code - 1];
  if (type === undefined) throw new WireError('unknown', 3, `an object of type ${code}`);
  const slot = reader.u64().toString(16).padStart(16, '0');
  const { offset } = reader;
  const common = {
    slot,
    epoch: readVarint(reader),
    number: readVarint(reader),
    node: reader.u32(),
    wallMs: readVarint(reader),
  };
  checkPlace(common, type, offset);
  const object = readBody(reader, type, common);
  reader.expectEnd();
  return object;
}

function readBody(reader: ByteReader, type: CheckpointObject['type'], common: Common): CheckpointObject {
  switch (type) {
    case 'claim':
      return { type, ...common, number: 0, base: readBase(reader, common.epoch) };
    case 'end':
      return { type, ...common, sequence: readVarint(reader) };
    case 'part':
      return { type, ...common, ...readPart(reader, common.number) };
  }
}

function writeBase(writer: ByteWriter, { epoch, base }: CheckpointClaim): void {
  checkBase(base, epoch, writer.length);
  writeVarint(writer, base.epoch);
  writeVarint(writer, base.number);
}

function readBase(reader: ByteReader, epoch: number): CheckpointPlace {
  const { offset } = reader;
  const base = { epoch: readVarint(reader), number: readVarint(reader) };
  checkBase(base, epoch, offset);
  return base;
}

function writePart(writer: ByteWriter, { number, first, from, updates, mark }: CheckpointPart): void {
  checkFirst(first, number, writer.length);
  writeVarint(writer, first);
  writeVarint(writer, from);
  writer.u8(mark === null ? 0 : 1);
  if (mark !== null) {
    writeVarint(writer, mark.sequence);
    writeVarint(writer, mark.keys);
    writer.u64(mark.digest);
  }
  let former = from;
  for (const update of updates) {
    writeUpdate(writer, update, former);
    former = update.sequence;
  }
  checkUpdates(updates, mark, from, writer.length);
}

type PartBody = Pick<CheckpointPart, 'first' | 'from' | 'updates' | 'mark'>;

function readPart(reader: ByteReader, number: number): PartBody {
  const { offset } = reader;
  const first = readVarint(reader);
  checkFirst(first, number, offset);
  const from = readVarint(reader);
  const hasMark = reader.u8();
  if (hasMark > 1) throw new WireError('value', offset, `${hasMark} is neither 0 nor 1`);
  const mark =
    hasMark === 1 ? { sequence: readVarint(reader), keys: readVarint(reader), digest: reader.u64() } : null;
  const updates: ReplicaUpdate[] = [];
  let former = from;
  while (reader.remaining > 0) {
    const update = readUpdate(reader, former);
    updates.push(update);
    former = update.sequence;
  }
  checkUpdates(updates, mark, from, offset);
  return { first, from, updates, mark };
}

function checkPlace({ epoch, number }: CheckpointPlace, type: string, offset: number): void {
  if (epoch === 0) throw new WireError('value', offset, 'an object of epoch 0');
  if ((number === 0) !== (type === 'claim'))
    throw new WireError('value', offset, `object ${number} of an epoch is a ${type}`);
}

function checkBase(base: CheckpointPlace, epoch: number, offset: number): void {
  if (base.epoch >= epoch) throw new WireError('value', offset, `epoch ${epoch} begins with ${base.epoch}`);
  if (base.epoch === 0 && base.number !== 0)
    throw new WireError('value', offset, `object ${base.number} of no epoch`);
}

function checkFirst(first: number, number: number, offset: number): void {
  if (first === 0 || first > number)
    throw new WireError('value', offset, `piece ${number} of a checkpoint that begins with ${first}`);
}

function checkUpdates(
  updates: readonly ReplicaUpdate[],
  mark: CheckpointPart['mark'],
  from: number,
  offset: number,
): void {
  const last = updates.at(-1)?.sequence ?? from;
  if (mark === null && updates.length === 0)
    throw new WireError('missing', offset, 'neither updates nor a mark');
  if (mark !== null && mark.sequence < last)
    throw new WireError('value', offset, `a mark at ${mark.sequence} behind update ${last}`);
}
