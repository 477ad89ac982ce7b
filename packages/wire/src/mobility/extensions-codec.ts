// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  CONFIGURATION_PART_BYTES_MAX,
  CONFIGURATION_PARTS_MAX,
  CONFIGURATION_WHOLE_BYTES_MAX,
  ENTERPRISE_NUMBER,
  type Extensions,
  type Hello,
  type StateTransfer,
} from './extensions.ts';
import { OpType, VendorSubType, writeOption } from './option.ts';

const TOKEN_BYTES = 16;
const HELLO_BYTES = 9;
const HELLO_WITH_TERM_BYTES = 17;
const TRANSFER_ROLES = ['source', 'destination'] as const;

interface Codec<Value> {
  readonly write: (writer: ByteWriter, value: Value) => void;
  readonly read: (reader: ByteReader) => Value;
}

function document(maxBytes: number): Codec<Uint8Array> {
  return {
    write: (writer, value) => {
      checkSize(value.length, maxBytes, writer.length);
      writer.bytes(value);
    },
    read: (reader) => {
      checkSize(reader.remaining, maxBytes, reader.offset);
      return reader.rest();
    },
  };
}

function checkSize(bytes: number, maxBytes: number, offset: number): void {
  if (bytes > maxBytes)
    throw new WireError('limit', offset, `document of ${bytes} octets, at most ${maxBytes}`);
}

const u32: Codec<number> = {
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
};

const hello: Codec<Hello> = {
  write: (writer, value) => {
    writer.u8(value.version).u64(value.instance);
    if (value.term !== undefined) writer.u64(value.term);
  },
  read: (reader) => {
    const { remaining, offset } = reader;
    const version = reader.u8();
    if (version === 1 && remaining !== HELLO_BYTES && remaining !== HELLO_WITH_TERM_BYTES) {
      throw new WireError('length', offset, `hello of ${remaining} octets`);
    }
    const instance = reader.u64();
    const term = reader.remaining >= 8 ? { term: reader.u64() } : {};
    // A later version may say more behind these.
    reader.rest();
    return { version, instance, ...term };
  },
};

const transfer: Codec<StateTransfer> = {
  write: (writer, { token, role }) => {
    if (token.length !== TOKEN_BYTES)
      throw new WireError('value', writer.length, `token of ${token.length} octets`);
    writer.bytes(token).u8(TRANSFER_ROLES.indexOf(role) + 1);
  },
  read: (reader) => {
    const token = reader.bytes(TOKEN_BYTES);
    const role = TRANSFER_ROLES[reader.u8() - 1];
    if (role === undefined) throw new WireError('value', reader.offset - 1, 'role neither 1 nor 2');
    return { token, role };
  },
};

const partOctets = document(CONFIGURATION_PART_BYTES_MAX);

function checkPart(part: number, of: number, offset: number): void {
  if (part < 1 || part > of || of > CONFIGURATION_PARTS_MAX)
    throw new WireError('value', offset, `part ${part} of ${of}`);
}

type All = Required<Extensions>;
type Table = { readonly [Key in keyof All]: Codec<All[Key]> };

/** In the order of their numbers, 0 to 13: the position is the number on the wire. */
const TABLE: Table = {
  hello,
  transfer,
  functionGone: u32,
  timing: {
    write: (writer, value) => writer.u32(value.intervalMs).u32(value.misses),
    read: (reader) => ({ intervalMs: reader.u32(), misses: reader.u32() }),
  },
  error: { write: (writer, value) => writer.u16(value), read: (reader) => reader.u16() },
  specification: document(32_768),
  assignment: document(4_096),
  configuration: document(CONFIGURATION_WHOLE_BYTES_MAX),
  leaseEndpoint: document(4_096),
  slotReport: document(32_768),
  functionReport: document(16_384),
  stateOrder: document(4_096),
  stateAnswer: document(49_152),
  configurationPart: {
    write: (writer, { part, of, octets }) => {
      checkPart(part, of, writer.length);
      partOctets.write(writer.u16(part).u16(of), octets);
    },
    read: (reader) => {
      const { offset } = reader;
      const [part, of] = [reader.u16(), reader.u16()];
      checkPart(part, of, offset);
      return { part, of, octets: partOctets.read(reader) };
    },
  },
};
const KEYS = Object.keys(TABLE) as readonly (keyof All)[];

export function writeExtensions(writer: ByteWriter, extensions: Extensions): void {
  for (const [number, key] of KEYS.entries()) writeExtension(writer, number, key, extensions);
}

function writeExtension<Key extends keyof All>(
  writer: ByteWriter,
  number: number,
  key: Key,
  extensions: Extensions,
): void {
  const value = (extensions as Partial<All>)[key];
  if (value === undefined) return;
  const codec: Codec<All[Key]> = TABLE[key];
  writeOption(writer, OpType.vendor, VendorSubType.extension, () => {
    codec.write(writer.u32(ENTERPRISE_NUMBER).u16(number), value);
  });
}

/** One extension as an object to merge; undefined for another enterprise's or an unknown number. */
export function readExtension(value: ByteReader): Extensions | undefined {
  if (value.u32() !== ENTERPRISE_NUMBER) return undefined;
  const key = KEYS[value.u16()];
  if (key === undefined) return undefined;
  const content = TABLE[key].read(value);
  if (value.remaining > 0) throw new WireError('length', value.offset, `extension ${key} is too long`);
  return { [key]: content };
}
