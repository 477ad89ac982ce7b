// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  REPLICA_HISTORY_MAX,
  REPLICA_KEY_BYTES_MAX,
  REPLICA_VALUE_BYTES_MAX,
  type ReplicaMark,
  type ReplicaPosition,
  type ReplicaSecret,
  type ReplicaUpdate,
} from './messages.ts';
import { secretFault } from './update-fault.ts';

/** Groups of seven bits that a whole number up to 2^53 - 1 may have. */
const GROUPS_MAX = 8;

/** Seven bits an octet, the lowest first, the highest bit set where more follow. */
export function writeVarint(writer: ByteWriter, value: number): void {
  checkCount(value, writer.length);
  let rest = value;
  while (rest > 0x7f) {
    writer.u8((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  writer.u8(rest);
}

export function readVarint(reader: ByteReader): number {
  const { offset } = reader;
  let value = 0;
  for (let group = 0; group < GROUPS_MAX; group++) {
    const octet = reader.u8();
    value += (octet & 0x7f) * 2 ** (7 * group);
    if (octet < 0x80) {
      if (octet === 0 && group > 0) throw new WireError('value', offset, 'a number longer than it need be');
      return checkCount(value, offset);
    }
  }
  throw new WireError('value', offset, 'a number of more than 53 bits');
}

function checkCount(value: number, offset: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new WireError('value', offset, `${value} is not a count`);
  return value;
}

export function writePosition(writer: ByteWriter, { epoch, sequence }: ReplicaPosition): void {
  writeVarint(writer, epoch);
  writeVarint(writer, sequence);
}

export function readPosition(reader: ByteReader): ReplicaPosition {
  return { epoch: readVarint(reader), sequence: readVarint(reader) };
}

/** Epochs ascending from 1 on, sequences not falling. */
export function writeHistory(writer: ByteWriter, history: readonly ReplicaPosition[]): void {
  checkHistory(history, writer.length);
  writer.u8(history.length);
  for (const position of history) writePosition(writer, position);
}

export function readHistory(reader: ByteReader): readonly ReplicaPosition[] {
  const { offset } = reader;
  const count = reader.u8();
  if (count > REPLICA_HISTORY_MAX) throw new WireError('limit', offset, `${count} epochs`);
  const history = Array.from({ length: count }, () => readPosition(reader));
  checkHistory(history, offset);
  return history;
}

function checkHistory(history: readonly ReplicaPosition[], offset: number): void {
  if (history.length === 0) throw new WireError('missing', offset, 'a history without an epoch');
  if (history.length > REPLICA_HISTORY_MAX) throw new WireError('limit', offset, `${history.length} epochs`);
  let former: ReplicaPosition = { epoch: 0, sequence: 0 };
  for (const position of history) {
    if (position.epoch <= former.epoch || position.sequence < former.sequence)
      throw new WireError('value', offset, `epoch ${position.epoch} does not follow ${former.epoch}`);
    former = position;
  }
}

// Their places are what travels: 0, nothing of it is secret, then 1, 2.
const SECRETS: readonly (ReplicaSecret | undefined)[] = [undefined, 'value', 'name'];

/**
 * Sequence as a distance (varint), in a frame with secrets which it is (8 bits), key with length (varint), length of the value and one
 * more, or 0 (varint), value.
 */
export function writeUpdate(
  writer: ByteWriter,
  { sequence, key, value, secret }: ReplicaUpdate,
  former: number,
  hasSecrets = false,
): void {
  if (sequence <= former)
    throw new WireError('value', writer.length, `update ${sequence} behind update ${former}`);
  checkSecret(secret, value, writer.length);
  writeVarint(writer, sequence - former);
  if (hasSecrets) writer.u8(SECRETS.indexOf(secret));
  else if (secret !== undefined) throw new WireError('value', writer.length, 'a secret among what is none');
  const { length } = key;
  if (length === 0 || length > REPLICA_KEY_BYTES_MAX)
    throw new WireError('limit', writer.length, `a key of ${length} octets`);
  writeVarint(writer, length);
  // A character beyond an octet is refused by the writer.
  for (let at = 0; at < length; at++) writer.u8(key.charCodeAt(at));
  if (value === null) {
    writer.u8(0);
    return;
  }
  if (value.length > REPLICA_VALUE_BYTES_MAX)
    throw new WireError('limit', writer.length, `a value of ${value.length} octets`);
  writeVarint(writer, value.length + 1);
  writer.bytes(value);
}

/** The value shares memory with the input. */
export function readUpdate(reader: ByteReader, former: number, hasSecrets = false): ReplicaUpdate {
  const { offset } = reader;
  const distance = readVarint(reader);
  if (distance === 0) throw new WireError('value', offset, 'two updates with one sequence');
  const sequence = checkCount(former + distance, offset);
  const secretAt = reader.offset;
  const place = hasSecrets ? reader.u8() : 0;
  if (place >= SECRETS.length) throw new WireError('value', secretAt, `${place} is no kind of secret`);
  const secret = SECRETS[place];
  const keyAt = reader.offset;
  const keyLength = readVarint(reader);
  if (keyLength === 0 || keyLength > REPLICA_KEY_BYTES_MAX)
    throw new WireError('limit', keyAt, `a key of ${keyLength} octets`);
  const key = String.fromCharCode(...reader.bytes(keyLength));
  const valueAt = reader.offset;
  const valueLength = readVarint(reader);
  if (valueLength === 0) {
    checkSecret(secret, null, secretAt);
    return { sequence, key, value: null };
  }
  if (valueLength - 1 > REPLICA_VALUE_BYTES_MAX)
    throw new WireError('limit', valueAt, `a value of ${valueLength - 1} octets`);
  const value = reader.bytes(valueLength - 1);
  checkSecret(secret, value, secretAt);
  return { sequence, key, value, ...(secret && { secret }) };
}

function checkSecret(secret: ReplicaSecret | undefined, value: Uint8Array | null, offset: number): void {
  const fault = secretFault(secret, value);
  if (fault !== null) throw new WireError('value', offset, fault);
}

export function writeMark(writer: ByteWriter, { sequence, keys, digest, clockUs }: ReplicaMark): void {
  writeVarint(writer, sequence);
  writeVarint(writer, keys);
  writer.u64(digest);
  writeVarint(writer, clockUs);
}

export function readMark(reader: ByteReader): ReplicaMark {
  return {
    sequence: readVarint(reader),
    keys: readVarint(reader),
    digest: reader.u64(),
    clockUs: readVarint(reader),
  };
}
