// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import {
  type AcceptedValue,
  CANDIDATES_MAX,
  type LeaseHolder,
  type LeaseValue,
  type Proposer,
  RELEASE_REASONS,
  type ReleaseReason,
} from './messages.ts';

/** Rounds stay below this. */
export const ROUND_LIMIT: number = 2 ** 40;

/** Longest time that fits a field, in milliseconds; longer ones are written as this. */
export const TIME_MS_MAX: number = 0xffffffff / 1000;

export function writeRound(writer: ByteWriter, round: number): void {
  if (!Number.isInteger(round) || round < 0 || round >= ROUND_LIMIT) {
    throw new WireError('value', writer.length, `${round} is no round`);
  }
  writer.u8(Math.floor(round / 2 ** 32)).u32(round % 2 ** 32);
}

export function readRound(reader: ByteReader): number {
  return reader.u8() * 2 ** 32 + reader.u32();
}

/** A whole number up to 2^53 - 1, in 64 bits. */
export function writeCount(writer: ByteWriter, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new WireError('value', writer.length, `${count} is no count`);
  writer.u64(BigInt(count));
}

export function readCount(reader: ByteReader): number {
  const { offset } = reader;
  const count = Number(reader.u64());
  if (!Number.isSafeInteger(count)) throw new WireError('value', offset, 'a count above 2^53 - 1');
  return count;
}

/** 16 hexadecimal digits in 8 octets. With a thousand slots this is most of the work: no array is made. */
export function writeHex64(writer: ByteWriter, text: string): void {
  if (!HEX64.test(text)) throw new WireError('value', writer.length, `${text} is not 16 hexadecimal digits`);
  writer.u32(Number.parseInt(text.slice(0, 8), 16)).u32(Number.parseInt(text.slice(8), 16));
}

const HEX64 = /^[0-9a-fA-F]{16}$/;

/**
 * A set's ids come again in every renewal: the text that was made last time is found by its two halves, and who looks it
 * up in a table then has its hash. Whoever made up numbers gets no further than to have them written anew.
 */
export function readHex64(reader: ByteReader): string {
  const high = reader.u32();
  const low = reader.u32();
  const place = (high ^ Math.imul(low, 0x9e3779b1)) >>> (32 - KNOWN_BITS);
  const known = KNOWN[place];
  if (known?.high === high && known.low === low) return known.text;
  const text = hex32(high) + hex32(low);
  KNOWN[place] = { high, low, text };
  return text;
}

const KNOWN_BITS = 12;
const KNOWN: (KnownHex64 | undefined)[] = Array.from({ length: 2 ** KNOWN_BITS });

interface KnownHex64 {
  readonly high: number;
  readonly low: number;
  readonly text: string;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** Milliseconds as microseconds in 32 bits, rounded up: a lease is never over before its time. */
export function writeTime(writer: ByteWriter, ms: number): void {
  // A multiple of a microsecond stays itself in spite of binary fractions.
  const us = Math.ceil(ms * 1000 - 1e-4);
  writer.u32(Math.min(Math.max(us, 0), 0xffffffff));
}

export function readTime(reader: ByteReader): number {
  return reader.u32() / 1000;
}

export function writeProposer(writer: ByteWriter, proposer: Proposer): void {
  writer.u32(proposer.node).u64(proposer.incarnation);
}

export function readProposer(reader: ByteReader): Proposer {
  return { node: reader.u32(), incarnation: reader.u64() };
}

/** Reads one of `names` by its index. */
export function readName<Name extends string>(reader: ByteReader, names: readonly Name[]): Name {
  const { offset } = reader;
  const index = reader.u8();
  const name = names[index];
  if (name === undefined) throw new WireError('unknown', offset, `${index} is none of ${names.join(', ')}`);
  return name;
}

export function writeReleaseReason(writer: ByteWriter, reason: ReleaseReason): void {
  writer.u8(RELEASE_REASONS.indexOf(reason));
}

export function readReleaseReason(reader: ByteReader): ReleaseReason {
  return readName(reader, RELEASE_REASONS);
}

/** Reads an octet that is 0 or 1. */
export function readFlag(reader: ByteReader): boolean {
  const { offset } = reader;
  const octet = reader.u8();
  if (octet > 1) throw new WireError('value', offset, `${octet} is neither 0 nor 1`);
  return octet === 1;
}

function writeHolder(writer: ByteWriter, holder: LeaseHolder): void {
  writer.u32(holder.node).u32(holder.functionId).u64(holder.functionIncarnation);
}

function readHolder(reader: ByteReader): LeaseHolder {
  return { node: reader.u32(), functionId: reader.u32(), functionIncarnation: reader.u64() };
}

export function writeValue(writer: ByteWriter, value: LeaseValue): void {
  if (value.candidates.length > CANDIDATES_MAX) {
    throw new WireError('limit', writer.length, `${value.candidates.length} candidates`);
  }
  writeHolder(writer, value.holder);
  writer.u8(value.candidates.length);
  for (const candidate of value.candidates) writeHolder(writer, candidate);
  const { lastResort } = value;
  writer.u8(lastResort.rule === 'after' ? 1 : 0).u32(lastResort.rule === 'after' ? lastResort.afterMs : 0);
  writer.u8(value.lossMark ? 1 : 0);
  writeTime(writer, value.leaseMs);
  writeHex64(writer, value.randomId);
}

export function readValue(reader: ByteReader): LeaseValue {
  const holder = readHolder(reader);
  const { offset } = reader;
  const count = reader.u8();
  if (count > CANDIDATES_MAX) throw new WireError('limit', offset, `${count} candidates`);
  const candidates = Array.from({ length: count }, () => readHolder(reader));
  const hasLastResort = readFlag(reader);
  const afterMs = reader.u32();
  const lossMark = readFlag(reader);
  const leaseMs = readTime(reader);
  const randomId = readHex64(reader);
  return {
    holder,
    candidates,
    lastResort: hasLastResort ? { rule: 'after', afterMs } : { rule: 'never' },
    lossMark,
    leaseMs,
    randomId,
  };
}

export function writeAccepted(writer: ByteWriter, accepted: AcceptedValue | null): void {
  if (accepted === null) {
    writer.u8(0);
    return;
  }
  writer.u8(1);
  writeRound(writer, accepted.round);
  writeProposer(writer, accepted.proposer);
  writer.u8(accepted.released === null ? 0 : 1);
  if (accepted.released !== null) writeReleaseReason(writer, accepted.released);
  writeValue(writer, accepted.value);
}

export function readAccepted(reader: ByteReader): AcceptedValue | null {
  if (!readFlag(reader)) return null;
  const round = readRound(reader);
  const proposer = readProposer(reader);
  const released = readFlag(reader) ? readReleaseReason(reader) : null;
  return { round, proposer, released, value: readValue(reader) };
}
