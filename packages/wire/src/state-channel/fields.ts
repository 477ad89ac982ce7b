// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, encodeUtf8, WireError } from '../bytes/index.ts';
import type { SessionForward } from '../function-socket/messages.ts';
import type { SessionInformation } from '../mobility/information.ts';
import { OpType } from '../mobility/option.ts';
import { readSession, writeSession } from '../mobility/session-codec.ts';
import { formatIp, parseIp } from '../parameters/ip-text.ts';
import { SELECTION_MAX, STATE_TEXT_BYTES_MAX, TRANSFER_TOKEN_BYTES, type TransferPair } from './messages.ts';

/** `VS`: tells a stranger's stream from ours at its first octets. */
const MAGIC = 0x5653;
const VERSION = 1;
const NONE = 0xffffffffffffffffn;

/** How `hello` and `ask` begin: magic (16), version (8), token (128), source, destination, function (32 each). */
export function writePair(writer: ByteWriter, pair: TransferPair): void {
  if (pair.token.length !== TRANSFER_TOKEN_BYTES)
    throw new WireError('length', writer.length, `token of ${pair.token.length} octets`);
  writer.u16(MAGIC).u8(VERSION).bytes(pair.token);
  writer.u32(pair.source).u32(pair.destination).u32(pair.functionId);
}

export function readPair(reader: ByteReader): TransferPair {
  const { offset } = reader;
  if (reader.u16() !== MAGIC) throw new WireError('unknown', offset, 'not a state channel');
  const version = reader.u8();
  if (version !== VERSION) throw new WireError('unknown', offset + 2, `state channel of version ${version}`);
  return {
    token: reader.bytes(TRANSFER_TOKEN_BYTES).slice(),
    source: reader.u32(),
    destination: reader.u32(),
    functionId: reader.u32(),
  };
}

/** A name as its place in the list, from 1 on. */
export function writeName<Name extends string>(writer: ByteWriter, names: readonly Name[], name: Name): void {
  writer.u8(names.indexOf(name) + 1);
}

export function readName<Name extends string>(reader: ByteReader, names: readonly Name[]): Name {
  const { offset } = reader;
  const code = reader.u8();
  const name = names[code - 1];
  if (name === undefined) throw new WireError('value', offset, `${code} is none of ${names.join(', ')}`);
  return name;
}

/** 64 bits; all ones stand for null. */
export function writeCount(writer: ByteWriter, count: number | null): void {
  if (count !== null && (!Number.isSafeInteger(count) || count < 0))
    throw new WireError('value', writer.length, `${count} is not a count`);
  writer.u64(count === null ? NONE : BigInt(count));
}

export function readCount(reader: ByteReader): number | null {
  const { offset } = reader;
  const count = reader.u64();
  if (count === NONE) return null;
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError('value', offset, `${count} is too much`);
  return Number(count);
}

/** A count that must be there. */
export function readTotal(reader: ByteReader): number {
  const { offset } = reader;
  const count = readCount(reader);
  if (count === null) throw new WireError('missing', offset, 'a total is not told');
  return count;
}

export function writeText(writer: ByteWriter, text: string): void {
  const octets = encodeUtf8(text, writer.length);
  if (octets.length > STATE_TEXT_BYTES_MAX)
    throw new WireError('limit', writer.length, `text of ${octets.length} octets`);
  writer.bytes(octets);
}

export function readText(reader: ByteReader): string {
  if (reader.remaining > STATE_TEXT_BYTES_MAX)
    throw new WireError('limit', reader.offset, `text of ${reader.remaining} octets`);
  return reader.utf8(reader.remaining);
}

/** Options of OP-Type 8 as in the mobility protocol, to the end of the message. */
export function writeSelection(writer: ByteWriter, selection: readonly SessionInformation[]): void {
  if (selection.length > SELECTION_MAX)
    throw new WireError('limit', writer.length, `${selection.length} selections`);
  for (const session of selection) writeSession(writer, session);
}

export function readSelection(reader: ByteReader): SessionInformation[] {
  const selection: SessionInformation[] = [];
  while (reader.remaining > 0) {
    const { offset } = reader;
    if (selection.length === SELECTION_MAX)
      throw new WireError('limit', offset, `more than ${SELECTION_MAX} selections`);
    const opType = reader.u8();
    const subType = reader.u8();
    const value = reader.sub(reader.u16());
    const session = opType === OpType.sessionInformation ? readSession(subType, value) : undefined;
    if (session === undefined) throw new WireError('unknown', offset, `selection by ${opType}/${subType}`);
    selection.push(session);
  }
  return selection;
}

/** Port (16) and address (32 or 128) to the end of the message, or nothing. */
export function writeForward(writer: ByteWriter, forward: SessionForward | undefined): void {
  if (forward !== undefined) writer.u16(forward.port).bytes(parseIp(forward.address));
}

export function readForward(reader: ByteReader): { readonly forward?: SessionForward } {
  if (reader.remaining === 0) return {};
  const { offset } = reader;
  const port = reader.u16();
  if (port === 0) throw new WireError('value', offset, 'port 0');
  return { forward: { address: formatIp(reader.rest()), port } };
}
