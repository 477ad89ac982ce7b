// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readVarint, writeVarint } from './fields.ts';
import { REPLICA_VALUE_BYTES_MAX } from './messages.ts';

/*
 * The value of a secret as agents keep it: sealed by a content key, which goes with it, sealed to each node that may open it. These are
 * the octets; what they are made with is in `runtime/state-seal`.
 */

/** The content key for one node. */
export interface SealedKey {
  /** Which key of a node it is for: 8 octets. */
  readonly receiver: Uint8Array;
  /** Encapsulated, 32 octets. */
  readonly encapsulated: Uint8Array;
  /** The content key with its tag, 48 octets. */
  readonly sealed: Uint8Array;
}

/** What stands before the sealed octets. */
export interface SealedHead {
  /** Of the holder that sealed it. */
  readonly epoch: number;
  /** Of the values that were sealed by this content key: never twice. */
  readonly number: number;
  /** 1 to `SEAL_RECEIVERS_MAX`. */
  readonly keys: readonly SealedKey[];
}

export interface SealedValue extends SealedHead {
  /** As it stands before the octets: it is authenticated with them. */
  readonly head: Uint8Array;
  /** With their tag of 16. */
  readonly octets: Uint8Array;
}

/** A holder, and as many standbys as may have a connection. */
export const SEAL_RECEIVERS_MAX = 17;
export const SEAL_RECEIVER_BYTES = 8;
export const SEAL_TAG_BYTES = 16;
const ENCAPSULATED_BYTES = 32;
const SEALED_KEY_BYTES = 32 + SEAL_TAG_BYTES;
const VERSION = 1;

/** @throws WireError for what no field can tell */
export function encodeSealedHead({ epoch, number, keys }: SealedHead): Uint8Array {
  const writer = new ByteWriter(REPLICA_VALUE_BYTES_MAX, 32 + keys.length * 88);
  writer.u8(VERSION);
  writeVarint(writer, epoch);
  writeVarint(writer, number);
  checkCount(keys.length, writer.length);
  writer.u8(keys.length);
  for (const { receiver, encapsulated, sealed } of keys) {
    checkBytes(receiver, SEAL_RECEIVER_BYTES, writer.length);
    checkBytes(encapsulated, ENCAPSULATED_BYTES, writer.length);
    checkBytes(sealed, SEALED_KEY_BYTES, writer.length);
    writer.bytes(receiver).bytes(encapsulated).bytes(sealed);
  }
  return writer.finish();
}

/** All of it shares memory with the input. @throws WireError */
export function decodeSealedValue(input: Uint8Array): SealedValue {
  const reader = new ByteReader(input);
  const version = reader.u8();
  if (version !== VERSION) throw new WireError('unknown', 0, `a sealed value of version ${version}`);
  const epoch = readVarint(reader);
  const number = readVarint(reader);
  const { offset } = reader;
  const count = reader.u8();
  checkCount(count, offset);
  const keys = Array.from({ length: count }, () => ({
    receiver: reader.bytes(SEAL_RECEIVER_BYTES),
    encapsulated: reader.bytes(ENCAPSULATED_BYTES),
    sealed: reader.bytes(SEALED_KEY_BYTES),
  }));
  const head = input.subarray(0, reader.offset);
  if (reader.remaining < SEAL_TAG_BYTES)
    throw new WireError('length', reader.offset, `${reader.remaining} octets are no tag`);
  return { epoch, number, keys, head, octets: reader.bytes(reader.remaining) };
}

function checkCount(count: number, offset: number): void {
  if (count === 0 || count > SEAL_RECEIVERS_MAX)
    throw new WireError('limit', offset, `${count} receivers are not 1 to ${SEAL_RECEIVERS_MAX}`);
}

function checkBytes({ length }: Uint8Array, wanted: number, offset: number): void {
  if (length !== wanted) throw new WireError('length', offset, `${length} octets in place of ${wanted}`);
}
