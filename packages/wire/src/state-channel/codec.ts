// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import {
  readCount,
  readForward,
  readName,
  readPair,
  readSelection,
  readText,
  readTotal,
  writeCount,
  writeForward,
  writeName,
  writePair,
  writeSelection,
  writeText,
} from './fields.ts';
import { STATE_FRAME_BYTES_MAX, STATE_HEADER_BYTES, stateFrameBytes } from './frame.ts';
import type { CancelReason, PartKind, StateMessage, TransferMode, TransferOutcome } from './messages.ts';

type Type = StateMessage['type'];
type OfType<Name extends Type> = Extract<StateMessage, { type: Name }>;

/** What follows length and type. */
interface Body<Name extends Type> {
  readonly code: number;
  write(writer: ByteWriter, message: OfType<Name>): void;
  read(reader: ByteReader): Omit<OfType<Name>, 'type'>;
}

// Their places are what travels: 1, 2, …
const MODES: readonly TransferMode[] = ['move', 'copy', 'sessions'];
const KINDS: readonly PartKind[] = ['snapshot', 'delta', 'last'];
const OUTCOMES: readonly TransferOutcome[] = ['undecided', 'committed', 'aborted', 'unknown'];
const REASONS: readonly CancelReason[] = [
  'cancelled',
  'would-not-converge',
  'integrity',
  'protocol',
  'function',
  'timeout',
  'resources',
];

/** Type of a chunk. */
export const CHUNK_CODE = 5;

const BODIES: { readonly [Name in Type]: Body<Name> } = {
  hello: {
    code: 1,
    write: (writer, message) => {
      writePair(writer, message);
      writer.u32(message.targetFunctionId);
      writeName(writer, MODES, message.mode);
      writeSelection(writer, message.selection);
    },
    read: (reader) => {
      const pair = readPair(reader);
      const targetFunctionId = reader.u32();
      const { offset } = reader;
      const mode = readName(reader, MODES);
      const selection = readSelection(reader);
      if ((mode === 'sessions') !== selection.length > 0)
        throw new WireError('value', offset, `mode ${mode} with ${selection.length} selections`);
      return { ...pair, targetFunctionId, mode, selection };
    },
  },
  welcome: {
    code: 2,
    write: (writer, message) => writeForward(writer.u32(message.windowBytes), message.forward),
    read: (reader) => ({ windowBytes: reader.u32(), ...readForward(reader) }),
  },
  refuse: {
    code: 3,
    write: (writer, message) => writeText(writer.u16(message.errorNumber), message.text),
    read: (reader) => ({ errorNumber: reader.u16(), text: readText(reader) }),
  },
  begin: {
    code: 4,
    write: (writer, message) => {
      writer.u16(message.part);
      writeName(writer, KINDS, message.kind);
      writeCount(writer, message.bytesExpected);
    },
    read: (reader) => ({
      part: reader.u16(),
      kind: readName(reader, KINDS),
      bytesExpected: readCount(reader),
    }),
  },
  chunk: {
    code: CHUNK_CODE,
    write: (writer, message) => writer.bytes(message.octets),
    read: (reader) => {
      if (reader.remaining === 0) throw new WireError('missing', reader.offset, 'a chunk without octets');
      return { octets: reader.rest() };
    },
  },
  mark: {
    code: 6,
    write: (writer, message) => {
      writeCount(writer.u16(message.part), message.bytes);
      writeCount(writer.u32(message.crc), message.totalBytes);
      writeCount(writer.u32(message.totalCrc), message.sessions);
    },
    read: (reader) => ({
      part: reader.u16(),
      bytes: readTotal(reader),
      crc: reader.u32(),
      totalBytes: readTotal(reader),
      totalCrc: reader.u32(),
      sessions: readCount(reader),
    }),
  },
  marked: {
    code: 7,
    write: (writer, message) => {
      writeCount(writer.u16(message.part), message.totalBytes);
      writer.u32(message.totalCrc);
    },
    read: (reader) => ({ part: reader.u16(), totalBytes: readTotal(reader), totalCrc: reader.u32() }),
  },
  credit: {
    code: 8,
    write: (writer, message) => writeCount(writer, message.untilBytes),
    read: (reader) => ({ untilBytes: readTotal(reader) }),
  },
  commit: {
    code: 9,
    write: (writer, message) => {
      writeCount(writer, message.totalBytes);
      writer.u32(message.totalCrc);
    },
    read: (reader) => ({ totalBytes: readTotal(reader), totalCrc: reader.u32() }),
  },
  committed: {
    code: 10,
    write: (writer, message) => writeCount(writer, message.sessions),
    read: (reader) => ({ sessions: readCount(reader) }),
  },
  cancel: {
    code: 11,
    write: (writer, message) => {
      writeName(writer, REASONS, message.reason);
      writeText(writer, message.text);
    },
    read: (reader) => ({ reason: readName(reader, REASONS), text: readText(reader) }),
  },
  ask: { code: 12, write: writePair, read: readPair },
  outcome: {
    code: 13,
    write: (writer, message) => {
      writeName(writer, OUTCOMES, message.outcome);
      writeCount(writer, message.sessions);
    },
    read: (reader) => ({ outcome: readName(reader, OUTCOMES), sessions: readCount(reader) }),
  },
  alive: { code: 14, write: () => {}, read: () => ({}) },
};

const TYPES_BY_CODE = new Map(
  (Object.entries(BODIES) as [Type, Body<Type>][]).map(([type, { code }]) => [code, type]),
);

/** Encodes a message with its length; throws `WireError` for values that no field can tell. */
export function encodeState(message: StateMessage): Uint8Array {
  const body = BODIES[message.type] as Body<Type>;
  const room = message.type === 'chunk' ? message.octets.length + STATE_HEADER_BYTES + 1 : 128;
  const writer = new ByteWriter(STATE_FRAME_BYTES_MAX, room);
  writer.u32(0).u8(body.code);
  body.write(writer, message);
  return writer.patchU32(0, writer.length - STATE_HEADER_BYTES).take();
}

/** Decodes one whole frame. The octets of a chunk share memory with it. Throws `WireError`. */
export function decodeState(frame: Uint8Array): StateMessage {
  if (stateFrameBytes(frame) !== frame.length)
    throw new WireError('length', 0, `${frame.length} octets are not what the length says`);
  const reader = new ByteReader(frame);
  reader.skip(STATE_HEADER_BYTES);
  const { offset } = reader;
  const code = reader.u8();
  const type = TYPES_BY_CODE.get(code);
  if (type === undefined) throw new WireError('unknown', offset, `state message of type ${code}`);
  const message = { type, ...BODIES[type].read(reader) } as StateMessage;
  reader.expectEnd();
  return message;
}
