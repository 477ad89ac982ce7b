// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8, WireError } from '../bytes/index.ts';

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * | type 1=report |    flags    F |     length of the packet      |
 * |                      version 0x00000200                       |
 * |     sender: component group (8), identifier (56)              |
 * |     sender's time stamp (64)                                  |
 * |               report interval in microseconds                 |
 * |     location: text of 128 octets, zero-padded                 |
 * |     status: text of 128 octets, zero-padded                   |
 * |           workload            |   number of associations      |
 * +---------------------------------------------------------------+
 * |  each: receiver (64), duration (64), flags (16), protocol (16), PPID (32)
 */

/** Who reports, by its group. Others may be met. */
export const COMPONENT_GROUP = { registrar: 1, poolElement: 2, poolUser: 3 } as const;

/** A component of a set: group and a number in it. */
export interface ComponentId {
  /** 8 bits, see `COMPONENT_GROUP`. */
  readonly group: number;
  /** 56 bits. */
  readonly identifier: bigint;
}

/** An association of the component that reports. */
export interface ComponentAssociation {
  /** 64 bits: group and identifier of the other end. */
  readonly receiver: ComponentId;
  /** Microseconds; null: unknown. */
  readonly durationUs: bigint | null;
  readonly flags: number;
  /** Number of the transport protocol, as in an IP header. */
  readonly protocol: number;
  /** SCTP payload protocol identifier. */
  readonly payloadProtocol: number;
}

/**
 * Component status report, version 2: what a registrar, pool element or pool user of rsplib tells whoever
 * watches, by UDP, unanswered. Not authenticated: for display only.
 */
export interface ComponentStatus {
  readonly type: 'report';
  /** F: the last one, the component ends. */
  readonly final: boolean;
  readonly sender: ComponentId;
  /** 64 bits by the sender's own clock; two senders' cannot be compared. */
  readonly timestamp: bigint;
  readonly intervalUs: number;
  /** At most 128 octets of UTF-8, without zeros; others may cut it to 127. */
  readonly location: string;
  /** As `location`. */
  readonly status: string;
  /** 0 to 1, in steps of 1/65534; null: none. */
  readonly workload: number | null;
  readonly associations: readonly ComponentAssociation[];
}

/** Octets of each text. */
export const COMPONENT_TEXT_BYTES: number = 128;

const REPORT = 1;
const VERSION = 0x00000200;
const FINAL = 0x01;
const HEAD_BYTES = 288;
const ASSOCIATION_BYTES = 24;
/** As many as fit the length field. */
const ASSOCIATIONS_MAX = Math.floor((0xffff - HEAD_BYTES) / ASSOCIATION_BYTES);
const WORKLOAD_MAX = 0xfffe;
const NO_WORKLOAD = 0xffff;
const UNKNOWN_DURATION = 0xffff_ffff_ffff_ffffn;
const IDENTIFIER_BITS = 56n;
const IDENTIFIER_MAX = (1n << IDENTIFIER_BITS) - 1n;

/** The octets of a report. Throws `WireError`: `value` out of range, `limit` for a text or list too long. */
export function encodeComponentStatus(report: ComponentStatus): Uint8Array {
  const { associations } = report;
  if (associations.length > ASSOCIATIONS_MAX)
    throw new WireError('limit', 286, `${associations.length} associations, at most ${ASSOCIATIONS_MAX}`);
  const writer = new ByteWriter(0xffff);
  writer.u8(REPORT).u8(report.final ? FINAL : 0);
  writer.u16(HEAD_BYTES + ASSOCIATION_BYTES * associations.length).u32(VERSION);
  writeId(writer, report.sender);
  writer.u64(report.timestamp).u32(report.intervalUs);
  writeText(writer, report.location);
  writeText(writer, report.status);
  writer.u16(workloadCode(report.workload)).u16(associations.length);
  for (const association of associations) {
    writeId(writer, association.receiver);
    if (association.durationUs === UNKNOWN_DURATION)
      throw new WireError('value', writer.length, 'this duration stands for unknown');
    writer.u64(association.durationUs ?? UNKNOWN_DURATION);
    writer.u16(association.flags).u16(association.protocol).u32(association.payloadProtocol);
  }
  return writer.finish();
}

/** Decodes a whole datagram. Throws `WireError`; another type or version is `unknown`. */
export function decodeComponentStatus(bytes: Uint8Array): ComponentStatus {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  if (type !== REPORT) throw new WireError('unknown', 0, `component status of type ${type}`);
  const final = (reader.u8() & FINAL) !== 0;
  const length = reader.u16();
  const version = reader.u32();
  if (version !== VERSION) throw new WireError('unknown', 4, `version 0x${version.toString(16)}`);
  if (length !== bytes.length)
    throw new WireError('length', 2, `length tells ${length} octets, the packet has ${bytes.length}`);
  const sender = readId(reader);
  const timestamp = reader.u64();
  const intervalUs = reader.u32();
  const location = readText(reader);
  const status = readText(reader);
  const workload = reader.u16();
  const count = reader.u16();
  if (reader.remaining !== count * ASSOCIATION_BYTES)
    throw new WireError('length', 286, `${count} associations in ${reader.remaining} octets`);
  return {
    type: 'report',
    final,
    sender,
    timestamp,
    intervalUs,
    location,
    status,
    workload: workload === NO_WORKLOAD ? null : workload / WORKLOAD_MAX,
    associations: Array.from({ length: count }, () => readAssociation(reader)),
  };
}

function readAssociation(reader: ByteReader): ComponentAssociation {
  const receiver = readId(reader);
  const duration = reader.u64();
  return {
    receiver,
    durationUs: duration === UNKNOWN_DURATION ? null : duration,
    flags: reader.u16(),
    protocol: reader.u16(),
    payloadProtocol: reader.u32(),
  };
}

function writeId(writer: ByteWriter, { group, identifier }: ComponentId): void {
  if (!Number.isInteger(group) || group < 0 || group > 0xff || identifier < 0n || identifier > IDENTIFIER_MAX)
    throw new WireError('value', writer.length, `${identifier} in group ${group} is not a component`);
  writer.u64((BigInt(group) << IDENTIFIER_BITS) | identifier);
}

function readId(reader: ByteReader): ComponentId {
  const id = reader.u64();
  return { group: Number(id >> IDENTIFIER_BITS), identifier: id & IDENTIFIER_MAX };
}

function workloadCode(workload: number | null): number {
  if (workload === null) return NO_WORKLOAD;
  if (!(workload >= 0 && workload <= 1)) throw new WireError('value', 284, `workload ${workload}`);
  return Math.round(workload * WORKLOAD_MAX);
}

function writeText(writer: ByteWriter, text: string): void {
  const at = writer.length;
  const octets = encodeUtf8(text, at);
  if (octets.length > COMPONENT_TEXT_BYTES)
    throw new WireError('limit', at, `text of ${octets.length} octets, at most ${COMPONENT_TEXT_BYTES}`);
  if (octets.includes(0)) throw new WireError('value', at, 'text with a zero in it');
  writer.bytes(octets).zeros(COMPONENT_TEXT_BYTES - octets.length);
}

/** Up to the first zero; what stands behind it means nothing. */
function readText(reader: ByteReader): string {
  const at = reader.offset;
  const octets = reader.bytes(COMPONENT_TEXT_BYTES);
  const end = octets.indexOf(0);
  return decodeUtf8(end < 0 ? octets : octets.subarray(0, end), at);
}
