// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, encodeUtf8, WireError } from '../bytes/index.ts';
import {
  readHistory,
  readMark,
  readPosition,
  readUpdate,
  readVarint,
  writeHistory,
  writeMark,
  writePosition,
  writeUpdate,
  writeVarint,
} from './fields.ts';
import {
  REPLICA_FRAME_BYTES_MAX,
  REPLICA_HEADER_BYTES,
  REPLICA_TEXT_BYTES_MAX,
  type ReplicaMessage,
  type ReplicaRefusal,
  type ReplicaUpdate,
} from './messages.ts';

type Type = ReplicaMessage['type'];
type Of<Name extends Type> = Extract<ReplicaMessage, { type: Name }>;

interface Body<Name extends Type> {
  readonly code: number;
  write(writer: ByteWriter, message: Of<Name>): void;
  read(reader: ByteReader): Omit<Of<Name>, 'type'>;
}

/** `VR`: tells a stranger's stream from ours at its first octets. */
const MAGIC = 0x5652;
const VERSION = 2;
const SLOT = /^[0-9a-f]{16}$/;
// Their places are what travels: 1, 2, …
const REFUSALS: readonly ReplicaRefusal[] = ['old-epoch', 'unknown-slot', 'resources', 'protocol'];

/** Flags of `updates`. Whoever knows only the first refuses the second. */
const MARKED = 1;
const WITH_SECRETS = 2;

const BODIES: { readonly [Name in Type]: Body<Name> } = {
  open: {
    code: 1,
    write: (writer, { slot, epoch, history, everyMs }) => {
      if (!SLOT.test(slot)) throw new WireError('value', writer.length, `${slot} is not a slot`);
      writer
        .u16(MAGIC)
        .u8(VERSION)
        .u64(BigInt(`0x${slot}`));
      writeVarint(writer, epoch);
      writeHistory(writer, history);
      checkOwn(history.at(-1)?.epoch, epoch, writer.length);
      writer.u32(everyMs);
    },
    read: (reader) => {
      const { offset } = reader;
      if (reader.u16() !== MAGIC) throw new WireError('unknown', offset, 'not a stream of replication');
      const version = reader.u8();
      if (version !== VERSION)
        throw new WireError('unknown', offset + 2, `replication of version ${version}`);
      const slot = reader.u64().toString(16).padStart(16, '0');
      const epoch = readVarint(reader);
      const history = readHistory(reader);
      checkOwn(history.at(-1)?.epoch, epoch, offset);
      return { slot, epoch, history, everyMs: reader.u32() };
    },
  },
  at: {
    code: 2,
    write: (writer, message) => {
      writePosition(writer, message);
      writer.u32(message.windowBytes);
    },
    read: (reader) => ({ ...readPosition(reader), windowBytes: reader.u32() }),
  },
  refuse: {
    code: 3,
    write: (writer, { reason, epoch, text }) => {
      writer.u8(REFUSALS.indexOf(reason) + 1);
      writeVarint(writer, epoch);
      const octets = encodeUtf8(text, writer.length);
      checkText(octets.length, writer.length);
      writer.bytes(octets);
    },
    read: (reader) => {
      const { offset } = reader;
      const code = reader.u8();
      const reason = REFUSALS[code - 1];
      if (reason === undefined)
        throw new WireError('value', offset, `${code} is none of ${REFUSALS.join(', ')}`);
      const epoch = readVarint(reader);
      checkText(reader.remaining, reader.offset);
      return { reason, epoch, text: reader.utf8(reader.remaining) };
    },
  },
  resume: {
    code: 4,
    write: (writer, { from }) => {
      writer.u8(from === 'whole' ? 1 : 0);
      if (from !== 'whole') writeVarint(writer, from);
    },
    read: (reader) => (readFlag(reader) ? { from: 'whole' } : { from: readVarint(reader) }),
  },
  updates: {
    code: 5,
    write: (writer, { updates, mark }) => {
      const hasSecrets = updates.some(({ secret }) => secret !== undefined);
      writer.u8((mark === null ? 0 : MARKED) | (hasSecrets ? WITH_SECRETS : 0));
      if (mark !== null) writeMark(writer, mark);
      const [first] = updates;
      if (first === undefined && mark === null)
        throw new WireError('missing', writer.length, 'neither updates nor a mark');
      let former = 0;
      for (const update of updates) {
        writeUpdate(writer, update, former, hasSecrets);
        former = update.sequence;
      }
      checkMark(mark?.sequence, former, writer.length);
    },
    read: (reader) => {
      const { offset } = reader;
      const flags = reader.u8();
      if ((flags & ~(MARKED | WITH_SECRETS)) !== 0)
        throw new WireError('value', offset, `${flags} is none of 0 to ${MARKED | WITH_SECRETS}`);
      const hasSecrets = (flags & WITH_SECRETS) !== 0;
      const mark = (flags & MARKED) === 0 ? null : readMark(reader);
      const updates: ReplicaUpdate[] = [];
      let former = 0;
      while (reader.remaining > 0) {
        const update = readUpdate(reader, former, hasSecrets);
        updates.push(update);
        former = update.sequence;
      }
      if (mark === null && updates.length === 0)
        throw new WireError('missing', offset, 'neither updates nor a mark');
      if (hasSecrets && updates.every(({ secret }) => secret === undefined))
        throw new WireError('missing', offset, 'a frame with secrets has none');
      checkMark(mark?.sequence, former, offset);
      return { updates, mark };
    },
  },
  ack: {
    code: 6,
    write: (writer, { sequence, bytes, clockUs }) => {
      writeVarint(writer, sequence);
      writeVarint(writer, bytes);
      writeVarint(writer, clockUs);
    },
    read: (reader) => ({
      sequence: readVarint(reader),
      bytes: readVarint(reader),
      clockUs: readVarint(reader),
    }),
  },
  differs: {
    code: 7,
    write: (writer, { sequence, keys, digest }) => {
      writeVarint(writer, sequence);
      writeVarint(writer, keys);
      writer.u64(digest);
    },
    read: (reader) => ({ sequence: readVarint(reader), keys: readVarint(reader), digest: reader.u64() }),
  },
  end: {
    code: 8,
    write: (writer, { sequence }) => writeVarint(writer, sequence),
    read: (reader) => ({ sequence: readVarint(reader) }),
  },
};

const TYPES_BY_CODE = new Map(
  (Object.entries(BODIES) as [Type, Body<Type>][]).map(([type, { code }]) => [code, type]),
);

/** Encodes a message with its length; throws `WireError` for values that no field can tell. */
export function encodeReplica(message: ReplicaMessage): Uint8Array {
  const body = BODIES[message.type] as Body<Type>;
  const room = message.type === 'updates' ? 64 * message.updates.length + 64 : 128;
  const writer = new ByteWriter(REPLICA_FRAME_BYTES_MAX, Math.min(room, REPLICA_FRAME_BYTES_MAX));
  writer.u32(0).u8(body.code);
  body.write(writer, message);
  return writer.patchU32(0, writer.length - REPLICA_HEADER_BYTES).finish();
}

/** Decodes one whole frame. Values of updates share memory with it. Throws `WireError`. */
export function decodeReplica(frame: Uint8Array): ReplicaMessage {
  if (frame.length < REPLICA_HEADER_BYTES || replicaFrameBytes(frame) !== frame.length)
    throw new WireError('length', 0, `${frame.length} octets are not what the length says`);
  const reader = new ByteReader(frame);
  reader.skip(REPLICA_HEADER_BYTES);
  const { offset } = reader;
  const code = reader.u8();
  const type = TYPES_BY_CODE.get(code);
  if (type === undefined) throw new WireError('unknown', offset, `replication message of type ${code}`);
  const message = { type, ...BODIES[type].read(reader) } as ReplicaMessage;
  reader.expectEnd();
  return message;
}

/**
 * Octets of the whole frame that begins with these four. Throws `WireError` (`length`, `limit`) when no frame can have
 * this length: the stream cannot be framed again and has to be closed.
 */
export function replicaFrameBytes(header: Uint8Array): number {
  const length = new ByteReader(header).u32();
  if (length === 0) throw new WireError('length', 0, 'a frame without a type');
  const total = length + REPLICA_HEADER_BYTES;
  if (total > REPLICA_FRAME_BYTES_MAX) throw new WireError('limit', 0, `frame of ${total} octets`);
  return total;
}

function readFlag(reader: ByteReader): boolean {
  const { offset } = reader;
  const flag = reader.u8();
  if (flag > 1) throw new WireError('value', offset, `${flag} is neither 0 nor 1`);
  return flag === 1;
}

function checkOwn(last: number | undefined, epoch: number, offset: number): void {
  if (last !== epoch)
    throw new WireError('value', offset, `a history that ends with epoch ${last}, not ${epoch}`);
}

function checkMark(mark: number | undefined, last: number, offset: number): void {
  if (mark !== undefined && mark < last)
    throw new WireError('value', offset, `a mark at ${mark} behind update ${last}`);
}

function checkText(length: number, offset: number): void {
  if (length > REPLICA_TEXT_BYTES_MAX) throw new WireError('limit', offset, `text of ${length} octets`);
}
