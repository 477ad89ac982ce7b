// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { readRenewals, readRenewed, writeRenewals, writeRenewed } from './batch-codec.ts';
import type {
  AcceptedValue,
  LeaseMessage,
  LeaseSlotMessage,
  OfferPurpose,
  RefusalReason,
  StoredPromise,
  StoredRegister,
  Successor,
} from './messages.ts';
import {
  readAccepted,
  readCount,
  readFlag,
  readHex64,
  readName,
  readProposer,
  readReleaseReason,
  readRound,
  readTime,
  readValue,
  writeAccepted,
  writeCount,
  writeHex64,
  writeProposer,
  writeReleaseReason,
  writeRound,
  writeTime,
  writeValue,
} from './value-codec.ts';

type Type = LeaseSlotMessage['type'];
type OfType<Name extends Type> = Extract<LeaseSlotMessage, { type: Name }>;

/** What follows type, length, slot, serial and round. */
interface Body<Name extends Type> {
  readonly code: number;
  write(writer: ByteWriter, message: OfType<Name>): void;
  read(reader: ByteReader): Omit<OfType<Name>, 'type' | 'slot' | 'serial' | 'round'>;
}

const REFUSAL_REASONS: readonly RefusalReason[] = [
  'leased',
  'promised',
  'released',
  'not-accepted',
  'mute',
  'jump',
  'unknown-slot',
  'council',
];

const OFFER_PURPOSES: readonly OfferPurpose[] = ['order', 'first', 'heir'];

const echo = {
  write: (writer: ByteWriter, message: { readonly incarnation: bigint }): void => {
    writer.u64(message.incarnation);
  },
  read: (reader: ByteReader): { incarnation: bigint } => ({ incarnation: reader.u64() }),
};

const BODIES: { readonly [Name in Type]: Body<Name> } = {
  prepare: {
    code: 1,
    write: (writer, message) => writer.u32(message.functionId).u64(message.functionIncarnation),
    read: (reader) => ({ functionId: reader.u32(), functionIncarnation: reader.u64() }),
  },
  promise: {
    code: 2,
    write: (writer, message) => {
      echo.write(writer, message);
      writeTime(writer, message.endedForMs);
      writeAccepted(writer, message.accepted);
    },
    read: (reader) => ({
      ...echo.read(reader),
      endedForMs: readTime(reader),
      accepted: readAccepted(reader),
    }),
  },
  accept: {
    code: 3,
    write: (writer, message) => writeValue(writer, message.value),
    read: (reader) => ({ value: readValue(reader) }),
  },
  accepted: { code: 4, ...echo },
  renew: { code: 5, write: () => {}, read: () => ({}) },
  renewed: { code: 6, ...echo },
  refuse: {
    code: 7,
    write: (writer, message) => {
      echo.write(writer, message);
      writer.u8(REFUSAL_REASONS.indexOf(message.reason));
      writeRound(writer, message.promised);
      writeTime(writer, message.timeLeftMs);
      writeAccepted(writer, message.accepted);
    },
    read: (reader) => ({
      ...echo.read(reader),
      reason: readName(reader, REFUSAL_REASONS),
      promised: readRound(reader),
      timeLeftMs: readTime(reader),
      accepted: readAccepted(reader),
    }),
  },
  release: {
    code: 8,
    write: (writer, message) => {
      writeReleaseReason(writer, message.reason);
      writeSuccessor(writer, message.successor);
    },
    read: (reader) => ({ reason: readReleaseReason(reader), successor: readSuccessor(reader) }),
  },
  released: { code: 9, ...echo },
  offer: {
    code: 10,
    write: (writer, message) => {
      writer.u32(message.functionId);
      writeHex64(writer, message.nonce);
      writer.u8(OFFER_PURPOSES.indexOf(message.purpose));
    },
    read: (reader) => ({
      functionId: reader.u32(),
      nonce: readHex64(reader),
      purpose: readName(reader, OFFER_PURPOSES),
    }),
  },
  ready: {
    code: 11,
    write: (writer, message) => {
      echo.write(writer, message);
      writeHex64(writer, message.nonce);
      writer.u32(message.functionId).u64(message.functionIncarnation).u32(message.handOnSerial);
    },
    read: (reader) => ({
      ...echo.read(reader),
      nonce: readHex64(reader),
      functionId: reader.u32(),
      functionIncarnation: reader.u64(),
      handOnSerial: reader.u32(),
    }),
  },
  reserve: {
    code: 18,
    write: (writer, message) => {
      writer.u64(message.successorIncarnation);
      writeValue(writer, message.value);
    },
    read: (reader) => ({ successorIncarnation: reader.u64(), value: readValue(reader) }),
  },
  entrust: {
    code: 20,
    write: (writer, message) => {
      writeRound(writer, message.heldRound);
      writeProposer(writer, message.heir);
    },
    read: (reader) => ({ heldRound: readRound(reader), heir: readProposer(reader) }),
  },
  entrusted: { code: 21, ...echo },
  'hand-on': {
    code: 19,
    write: (writer, message) => {
      echo.write(writer, message);
      writeValue(writer, message.value);
      writeAccepted(writer, message.former);
      writer.u8(message.answeredSerial === null ? 0 : 1);
      if (message.answeredSerial !== null) writer.u32(message.answeredSerial);
    },
    read: (reader) => ({
      ...echo.read(reader),
      value: readValue(reader),
      former: readNamedAccepted(reader),
      answeredSerial: readFlag(reader) ? reader.u32() : null,
    }),
  },
  standing: {
    code: 17,
    write: (writer, message) => {
      writer.u32(message.functionId);
      writeCount(writer, message.epoch);
      writeCount(writer, message.sequence);
    },
    read: (reader) => ({
      functionId: reader.u32(),
      epoch: readCount(reader),
      sequence: readCount(reader),
    }),
  },
  fetch: { code: 15, write: () => {}, read: () => ({}) },
  register: {
    code: 16,
    write: (writer, message) => {
      echo.write(writer, message);
      writeTime(writer, message.timeLeftMs);
      writeStored(writer, message.stored);
    },
    read: (reader) => ({
      ...echo.read(reader),
      timeLeftMs: readTime(reader),
      stored: readStored(reader),
    }),
  },
};

const TYPES_BY_CODE = new Map(
  (Object.entries(BODIES) as [Type, Body<Type>][]).map(([type, { code }]) => [code, type]),
);

const RENEW_MANY_CODE = 12;
const RENEWED_MANY_CODE = 13;
const CLOCK_CODE = 14;
const RENEW_AGAIN_CODE = 22;
/** Of no single slot. */
const OTHER_CODES: ReadonlySet<number> = new Set([
  RENEW_MANY_CODE,
  RENEWED_MANY_CODE,
  CLOCK_CODE,
  RENEW_AGAIN_CODE,
]);

/** Type (8 bits), length of the whole message (16), then what belongs to the type. */
export function writeMessage(writer: ByteWriter, message: LeaseMessage): void {
  const start = writer.length;
  switch (message.type) {
    case 'renew-many':
      writer.u8(RENEW_MANY_CODE).u16(0);
      writeRenewals(writer, message);
      break;
    case 'renew-again':
      writer.u8(RENEW_AGAIN_CODE).u16(0);
      writer.u32(message.serial).u32(message.list);
      break;
    case 'renewed-many':
      writer.u8(RENEWED_MANY_CODE).u16(0);
      writeRenewed(writer, message);
      break;
    case 'clock':
      writer.u8(CLOCK_CODE).u16(0);
      writer.u8(message.wantsAnswer ? 1 : 0);
      break;
    default:
      writeSlotMessage(writer, message);
  }
  writer.patchU16(start + 1, writer.length - start);
}

/** Of one slot: its id (64), serial (32), round (40), then the body. */
function writeSlotMessage(writer: ByteWriter, message: LeaseSlotMessage): void {
  const body = BODIES[message.type] as Body<Type>;
  writer.u8(body.code).u16(0);
  writeHex64(writer, message.slot);
  writer.u32(message.serial);
  writeRound(writer, message.round);
  body.write(writer, message);
}

export function readMessage(reader: ByteReader): LeaseMessage {
  const { offset } = reader;
  const code = reader.u8();
  const length = reader.u16();
  const isOfSlots = !OTHER_CODES.has(code);
  if (isOfSlots && !TYPES_BY_CODE.has(code))
    throw new WireError('unknown', offset, `lease message of type ${code}`);
  if (length < (isOfSlots ? SLOT_HEAD_BYTES : TYPE_AND_LENGTH_BYTES))
    throw new WireError('length', offset, `lease message of ${length} octets`);
  const inner = reader.sub(length - TYPE_AND_LENGTH_BYTES);
  const message = readBody(inner, code);
  inner.expectEnd();
  return message;
}

const TYPE_AND_LENGTH_BYTES = 3;
/** Octets of a whole one. */
export const RENEW_AGAIN_BYTES = 11;
const SLOT_HEAD_BYTES = 20;

function readBody(reader: ByteReader, code: number): LeaseMessage {
  if (code === RENEW_MANY_CODE) return readRenewals(reader);
  if (code === RENEW_AGAIN_CODE) return { type: 'renew-again', serial: reader.u32(), list: reader.u32() };
  if (code === RENEWED_MANY_CODE) return readRenewed(reader);
  if (code === CLOCK_CODE) return { type: 'clock', wantsAnswer: readFlag(reader) };
  const type = TYPES_BY_CODE.get(code) as Type;
  const slot = readHex64(reader);
  const serial = reader.u32();
  const round = readRound(reader);
  return { type, slot, serial, round, ...BODIES[type].read(reader) } as LeaseSlotMessage;
}

function writeSuccessor(writer: ByteWriter, successor: Successor | null): void {
  writer.u8(successor === null ? 0 : 1);
  if (successor === null) return;
  writeProposer(writer, successor.proposer);
  writeRound(writer, successor.round);
}

function readSuccessor(reader: ByteReader): Successor | null {
  if (!readFlag(reader)) return null;
  return { proposer: readProposer(reader), round: readRound(reader) };
}

/** What a message cannot do without. */
function readNamedAccepted(reader: ByteReader): AcceptedValue {
  const { offset } = reader;
  const accepted = readAccepted(reader);
  if (accepted === null) throw new WireError('value', offset, 'a slot that is handed on was held before');
  return accepted;
}

function writeStored(writer: ByteWriter, stored: StoredRegister | null): void {
  writeAccepted(writer, stored?.accepted ?? null);
  if (stored === null) return;
  writePromise(writer, stored.promised);
  writeTime(writer, stored.longestLeaseMs);
}

function readStored(reader: ByteReader): StoredRegister | null {
  const accepted = readAccepted(reader);
  if (accepted === null) return null;
  return { promised: readPromise(reader), accepted, longestLeaseMs: readTime(reader) };
}

/** What a promise has come to; only a round that is kept for an heir is written as the last. */
const PROMISE_STATES = ['open', 'closed', 'heirs'] as const;

function writePromise(writer: ByteWriter, { round, proposer, closed, isHeirs }: StoredPromise): void {
  writeRound(writer, round);
  writeProposer(writer, proposer);
  writer.u8(PROMISE_STATES.indexOf(closed ? 'closed' : isHeirs ? 'heirs' : 'open'));
}

function readPromise(reader: ByteReader): StoredPromise {
  const round = readRound(reader);
  const proposer = readProposer(reader);
  const state = readName(reader, PROMISE_STATES);
  return { round, proposer, closed: state === 'closed', ...(state === 'heirs' && { isHeirs: true }) };
}
