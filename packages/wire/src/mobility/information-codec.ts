// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, encodeUtf8, WireError } from '../bytes/index.ts';
import { formatFraction, formatInteger, parseFraction, parseInteger } from './decimal.ts';
import type { FunctionInformation, NodeInformation, RunningStatus } from './information.ts';
import { OpType, writeOption } from './option.ts';

type Kind = 'fraction' | 'integer' | 'timestamp' | 'name' | 'status';
type Value = number | bigint | string;
type Table<Information> = readonly { subType: number; key: keyof Information & string; kind: Kind }[];

/** Sub-OP-Types of OP-Type 6, ascending: the order in which they are written. */
const NODE: Table<NodeInformation> = [
  { subType: 1, key: 'capacityGhz', kind: 'fraction' },
  { subType: 2, key: 'load', kind: 'fraction' },
  { subType: 3, key: 'loadAverage', kind: 'fraction' },
  { subType: 10, key: 'memoryBytes', kind: 'integer' },
  { subType: 11, key: 'memoryFreeBytes', kind: 'integer' },
  { subType: 20, key: 'storageBytes', kind: 'integer' },
  { subType: 21, key: 'storageFreeBytes', kind: 'integer' },
  { subType: 30, key: 'bandwidthBitsPerSecond', kind: 'integer' },
  { subType: 31, key: 'bandwidthUsedBitsPerSecond', kind: 'integer' },
  { subType: 32, key: 'bandwidthAverageBitsPerSecond', kind: 'integer' },
  { subType: 40, key: 'bootTime', kind: 'timestamp' },
];

/** Sub-OP-Types of OP-Type 7. */
const FUNCTION: Table<FunctionInformation> = [
  { subType: 1, key: 'name', kind: 'name' },
  { subType: 2, key: 'load', kind: 'fraction' },
  { subType: 3, key: 'loadAverage', kind: 'fraction' },
  { subType: 10, key: 'memoryBytes', kind: 'integer' },
  { subType: 11, key: 'memoryFreeBytes', kind: 'integer' },
  { subType: 20, key: 'storageBytes', kind: 'integer' },
  { subType: 21, key: 'storageFreeBytes', kind: 'integer' },
  { subType: 31, key: 'bandwidthUsedBitsPerSecond', kind: 'integer' },
  { subType: 32, key: 'bandwidthAverageBitsPerSecond', kind: 'integer' },
  { subType: 40, key: 'bootTime', kind: 'timestamp' },
  { subType: 50, key: 'status', kind: 'status' },
];

const STATUSES: readonly RunningStatus[] = ['Starting', 'Running', 'Terminating', 'Unknown'];
const NAME_BYTES_MAX = 255;

export function writeNodeInformation(writer: ByteWriter, information: NodeInformation): void {
  writeTable(writer, OpType.nodeInformation, NODE, information as Readonly<Record<string, Value>>);
}

export function writeFunctionInformation(writer: ByteWriter, information: FunctionInformation): void {
  writeTable(writer, OpType.functionInformation, FUNCTION, information as Readonly<Record<string, Value>>);
}

/** One field as an object to merge; undefined for an unknown Sub-OP-Type or an empty value ("not told"). */
export function readNodeInformation(subType: number, value: ByteReader): NodeInformation | undefined {
  return readTable(NODE, subType, value) as NodeInformation | undefined;
}

export function readFunctionInformation(subType: number, value: ByteReader): FunctionInformation | undefined {
  return readTable(FUNCTION, subType, value) as FunctionInformation | undefined;
}

/** The fields of `information` that were asked for; `subType` 0 asks for all. Undefined when none is known. */
export function selectNodeInformation(
  information: NodeInformation,
  subTypes: readonly number[],
): NodeInformation | undefined {
  return select(NODE, information as Readonly<Record<string, Value>>, subTypes);
}

export function selectFunctionInformation(
  information: FunctionInformation,
  subTypes: readonly number[],
): FunctionInformation | undefined {
  return select(FUNCTION, information as Readonly<Record<string, Value>>, subTypes);
}

function select<Information>(
  table: Table<Information>,
  information: Readonly<Record<string, Value>>,
  subTypes: readonly number[],
): Record<string, Value> | undefined {
  const chosen: Record<string, Value> = {};
  for (const { subType, key } of table) {
    const value = information[key];
    if (value !== undefined && (subTypes.includes(subType) || subTypes.includes(0))) chosen[key] = value;
  }
  return Object.keys(chosen).length === 0 ? undefined : chosen;
}

function writeTable<Information>(
  writer: ByteWriter,
  opType: number,
  table: Table<Information>,
  information: Readonly<Record<string, Value>>,
): void {
  for (const { subType, key, kind } of table) {
    const value = information[key];
    if (value !== undefined) writeOption(writer, opType, subType, () => writeValue(writer, kind, value));
  }
}

function writeValue(writer: ByteWriter, kind: Kind, value: Value): void {
  if (kind === 'fraction') writer.utf8(formatFraction(value as number, writer.length));
  else if (kind === 'integer') writer.utf8(formatInteger(value as bigint, writer.length));
  else if (kind === 'timestamp') writer.u64(value as bigint);
  else if (kind === 'status') writer.utf8(value as string);
  else {
    const octets = encodeUtf8(value as string, writer.length);
    if (octets.length === 0 || octets.length > NAME_BYTES_MAX) {
      throw new WireError('value', writer.length, `name of ${octets.length} octets`);
    }
    writer.bytes(octets);
  }
}

function readTable<Information>(
  table: Table<Information>,
  subType: number,
  value: ByteReader,
): Record<string, Value> | undefined {
  const entry = table.find((candidate) => candidate.subType === subType);
  if (entry === undefined || value.remaining === 0) return undefined;
  return { [entry.key]: readValue(entry.kind, value) };
}

function readValue(kind: Kind, reader: ByteReader): Value {
  const offset = reader.offset;
  if (kind === 'timestamp') {
    if (reader.remaining !== 8)
      throw new WireError('length', offset, `timestamp of ${reader.remaining} octets`);
    return reader.u64();
  }
  if (kind === 'name') {
    if (reader.remaining > NAME_BYTES_MAX) {
      throw new WireError('limit', offset, `name of ${reader.remaining} octets`);
    }
    return reader.utf8(reader.remaining);
  }
  const text = reader.utf8(reader.remaining);
  if (kind === 'fraction') return parseFraction(text, offset);
  if (kind === 'integer') return parseInteger(text, offset);
  const status = STATUSES.find((known) => known === text);
  if (status === undefined) throw new WireError('value', offset, `running status ${text.slice(0, 24)}`);
  return status;
}
