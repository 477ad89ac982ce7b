// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError, type WireErrorCode } from '../bytes/index.ts';

/** Parameter types. @see RFC 5354 §3 */
export const PARAMETER = {
  ipv4Address: 0x0001,
  ipv6Address: 0x0002,
  dccpTransport: 0x0003,
  sctpTransport: 0x0004,
  tcpTransport: 0x0005,
  udpTransport: 0x0006,
  udpLiteTransport: 0x0007,
  policy: 0x0008,
  poolHandle: 0x0009,
  poolElement: 0x000a,
  serverInformation: 0x000b,
  operationError: 0x000c,
  cookie: 0x000d,
  peIdentifier: 0x000e,
  peChecksum: 0x000f,
  opaqueTransport: 0x0010,
  handleResolutionOption: 0x803f,
} as const;

const KNOWN: ReadonlySet<number> = new Set(Object.values(PARAMETER));

/** Octets of a parameter's type and length fields. */
export const TLV_HEADER_BYTES: number = 4;

/** One error cause of an Operation Error: its code, and the information behind it. @see RFC 5354 §3.12 */
export interface ErrorCause {
  readonly code: number;
  readonly info: Uint8Array;
}

/** A parameter as it stands on the wire. `value` can be read once; `whole` shares memory with the input. */
export interface Tlv {
  readonly type: number;
  readonly value: ByteReader;
  /** Header and value, without padding. */
  readonly whole: Uint8Array;
  readonly offset: number;
}

/** A parameter of a type that we do not know and that its sender allows to be skipped. */
export interface UnrecognizedParameter {
  readonly type: number;
  /** Header and value, without padding; shares memory with the input. */
  readonly whole: Uint8Array;
  /** Whether its type asks for an *Unrecognized Parameter* report. */
  readonly report: boolean;
}

/**
 * A message that must be discarded. `report` is the error cause that its sender should get, if it should get
 * one at all.
 */
export class DiscardError extends WireError {
  override readonly name: string = 'DiscardError';
  readonly report: ErrorCause | null;

  constructor(code: WireErrorCode, offset: number, message: string, report: ErrorCause | null) {
    super(code, offset, message);
    this.report = report;
  }
}

/**
 * Reads all parameters of a container. Unknown ones follow the two high bits of their type: the message is
 * discarded silently (00) or with a report (01), or the parameter is skipped (10, 11) and put on `unrecognized`.
 * The padding behind the last parameter may be there or not, counted by the container or not.
 * @see RFC 5354 §2.2, §3
 */
export function readTlvs(reader: ByteReader, unrecognized: UnrecognizedParameter[]): Tlv[] {
  let found: Tlv[] = [];
  while (reader.remaining > 0) {
    const tlv = readTlv(reader);
    if (KNOWN.has(tlv.type)) {
      // Mostly there is one; the first `push` would make room for 17.
      if (found.length === 0) found = [tlv];
      else found.push(tlv);
      continue;
    }
    const report = (tlv.type & 0x4000) !== 0;
    if ((tlv.type & 0x8000) === 0) {
      const name = `unknown parameter type 0x${tlv.type.toString(16)}`;
      throw new DiscardError('unknown', tlv.offset, name, report ? { code: 0x1, info: tlv.whole } : null);
    }
    unrecognized.push({ type: tlv.type, whole: tlv.whole, report });
  }
  return found;
}

/** Reads one type-length-value and the padding behind it, whatever its type. Error causes have the same form. */
export function readTlv(reader: ByteReader): Tlv {
  const offset = reader.offset;
  if (reader.remaining < TLV_HEADER_BYTES) {
    throw invalid('short', offset, 'parameter header cut off', reader.rest());
  }
  const type = reader.u16();
  const length = reader.u16();
  if (length < TLV_HEADER_BYTES || length - TLV_HEADER_BYTES > reader.remaining) {
    const header = new Uint8Array([type >> 8, type & 0xff, length >> 8, length & 0xff]);
    throw invalid('length', offset, `parameter length ${length} does not fit`, header);
  }
  const value = reader.sub(length - TLV_HEADER_BYTES);
  reader.skip(Math.min(paddingOf(length), reader.remaining));
  return new ReadTlv(type, value, offset, length);
}

/** Makes `whole` only for whoever asks: nobody does, of a message that is in order. */
class ReadTlv implements Tlv {
  readonly type: number;
  readonly value: ByteReader;
  readonly offset: number;
  readonly #length: number;

  constructor(type: number, value: ByteReader, offset: number, length: number) {
    this.type = type;
    this.value = value;
    this.offset = offset;
    this.#length = length;
  }

  get whole(): Uint8Array {
    return this.value.octetsAt(this.offset, this.#length);
  }
}

/**
 * Runs `decode` on the parameter's value. A `WireError` in it becomes a `DiscardError` that reports
 * *Invalid Values* with this parameter; one from a nested parameter passes through, it is the closer one.
 */
export function decodeTlv<T>(tlv: Tlv, decode: (value: ByteReader) => T): T {
  try {
    const result = decode(tlv.value);
    tlv.value.expectEnd();
    return result;
  } catch (error) {
    if (error instanceof WireError && !(error instanceof DiscardError)) {
      throw invalid(error.code, error.offset, error.message, tlv.whole);
    }
    throw error;
  }
}

/** The parameter of this type, or undefined; two of them are an error. */
export function optionalTlv(tlvs: readonly Tlv[], type: number): Tlv | undefined {
  let found: Tlv | undefined;
  for (const tlv of tlvs) {
    if (tlv.type !== type) continue;
    if (found !== undefined)
      throw invalid('duplicate', tlv.offset, `second parameter 0x${type.toString(16)}`, tlv.whole);
    found = tlv;
  }
  return found;
}

/** The one parameter of this type; `at` is where its container starts, for the error. */
export function mandatoryTlv(tlvs: readonly Tlv[], type: number, at: number): Tlv {
  const tlv = optionalTlv(tlvs, type);
  if (tlv === undefined) {
    throw invalid('missing', at, `mandatory parameter 0x${type.toString(16)} is missing`, new Uint8Array(0));
  }
  return tlv;
}

/**
 * Whether the length of a container and of a message counts the padding behind its last parameter: RFC 5354
 * excludes it, rsplib includes it. Both are read.
 */
export type FinalPadding = 'excluded' | 'included';

/** Short messages share a block; of one that is kept, no more than this stays in memory. */
const BLOCK_BYTES = 8192;

/** A writer of parameters that is told how containers count their final padding; a plain one excludes it. */
export class ParameterWriter extends ByteWriter {
  readonly finalPadding: FinalPadding;

  constructor(finalPadding: FinalPadding) {
    super(undefined, BLOCK_BYTES);
    this.finalPadding = finalPadding;
  }

  /** Ends a container: pads what was written in it, if that counts. */
  endContainer(): void {
    if (this.finalPadding === 'included') this.pad(4);
  }
}

/**
 * Writes a parameter around what `value` writes. The padding of a parameter is written by the next one, so a
 * container's length counts the padding between its parameters but not the one behind the last.
 */
export function writeTlv(writer: ByteWriter, type: number, value: () => void): void {
  const start = beginTlv(writer, type);
  value();
  endTlv(writer, start);
}

/** Begins a parameter: `writeTlv` without its function, where that shows. Returns what `endTlv` takes. */
export function beginTlv(writer: ByteWriter, type: number): number {
  writer.pad(4);
  const start = writer.length;
  writer.u16(type).u16(0);
  return start;
}

export function endTlv(writer: ByteWriter, start: number): void {
  const length = writer.length - start;
  if (length > 0xffff) throw new WireError('limit', start, `parameter of ${length} octets exceeds 65535`);
  writer.patchU16(start + 2, length);
}

/** Writes a parameter that holds parameters or causes, where the final padding may count. */
export function writeContainer(writer: ByteWriter, type: number, value: () => void): void {
  const start = beginTlv(writer, type);
  value();
  endContainer(writer, start);
}

/** Ends a parameter that holds parameters or causes. */
export function endContainer(writer: ByteWriter, start: number): void {
  if (writer instanceof ParameterWriter) writer.endContainer();
  endTlv(writer, start);
}

/** A `DiscardError` that reports *Invalid Values* with the offending octets. */
export function invalid(
  code: WireErrorCode,
  offset: number,
  message: string,
  whole: Uint8Array,
): DiscardError {
  return new DiscardError(code, offset, message, { code: 0x3, info: whole });
}

function paddingOf(length: number): number {
  return (4 - (length % 4)) % 4;
}
