// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readExpectation, writeExpectation } from './expectation-codec.ts';
import type { FlowEntry, FlowExpectation, FlowKey, FlowRecord } from './flow.ts';
import { readFlow, readKey, writeFlow, writeKey } from './record-codec.ts';

/*
 * A stream of flow state: a head, records, one end record. All numbers in network order.
 *
 *   head     'V' 'F' 'L', version 8 (1)
 *   record   length 16 (octets after this field), kind 8, body
 *   kinds    1 flow, 2 gone, 3 end: number of flows 32, number gone 32; 129 an expectation
 *
 * The end record tells a whole stream from one that was cut off. A kind below 128 must be understood; one from 128 on
 * may be skipped.
 */

export const FLOW_STATE_VERSION = 1;
/** Longest record, without its length field; what we write stays below 300. */
export const FLOW_RECORD_BYTES_MAX = 1024;

const MAGIC = [0x56, 0x46, 0x4c] as const;
const HEAD_BYTES = 4;
const LENGTH_BYTES = 2;
const KIND_FLOW = 1;
const KIND_GONE = 2;
const KIND_END = 3;
const SKIPPABLE = 0x80;
const KIND_EXPECTATION = 129;

/** Writes a stream piece by piece. */
export class FlowStateEncoder {
  readonly #writer = new ByteWriter(0x1_0000_0000, 64 * 1024);
  /** A body of its own, so that a value that does not fit leaves no half record behind. */
  readonly #scratch = new ByteWriter(FLOW_RECORD_BYTES_MAX - 1, 64 * 1024);
  #flows = 0;
  #gone = 0;
  #isEnded = false;

  constructor() {
    for (const octet of MAGIC) this.#writer.u8(octet);
    this.#writer.u8(FLOW_STATE_VERSION);
  }

  /** Octets written and not yet taken. */
  get length(): number {
    return this.#writer.length;
  }

  /**
   * Says that a flow is there, or what became of it.
   * @throws WireError when a value does not fit; nothing of the flow is written then, and the stream can go on
   */
  flow(entry: FlowEntry): void {
    this.#record(KIND_FLOW, () => writeFlow(this.#scratch, entry));
    this.#flows++;
  }

  /** Says that a flow is gone. */
  gone(key: FlowKey): void {
    this.#record(KIND_GONE, () => writeKey(this.#scratch, key));
    this.#gone++;
  }

  /** Says that a flow is expected. It goes behind the one that announced it. */
  expectation(expectation: FlowExpectation): void {
    this.#record(KIND_EXPECTATION, () => writeExpectation(this.#scratch, expectation));
  }

  /** Ends the stream; nothing may follow. */
  end(): void {
    this.#record(KIND_END, () => this.#scratch.u32(this.#flows).u32(this.#gone));
    this.#isEnded = true;
  }

  /** What was written since the last time. */
  take(): Uint8Array {
    return this.#writer.take();
  }

  #record(kind: number, write: () => void): void {
    if (this.#isEnded) throw new WireError('value', this.#writer.length, 'the stream of flows has ended');
    this.#scratch.reset();
    write();
    const body = this.#scratch.take();
    this.#writer
      .u16(1 + body.length)
      .u8(kind)
      .bytes(body);
  }
}

/** A whole stream in one piece. */
export function encodeFlowState(records: Iterable<FlowRecord>): Uint8Array {
  const encoder = new FlowStateEncoder();
  for (const record of records) {
    if (record.kind === 'flow') encoder.flow(record.entry);
    else if (record.kind === 'gone') encoder.gone(record.key);
    else encoder.expectation(record.expectation);
  }
  encoder.end();
  return encoder.take();
}

/**
 * Reads a stream from chunks of any size. It holds at most one incomplete record. After an error it must not be used
 * any more.
 */
export class FlowStateDecoder {
  #rest: Uint8Array = new Uint8Array();
  /** Place of `#rest` in the stream. */
  #offset = 0;
  #hasHead = false;
  #flows = 0;
  #gone = 0;
  #isEnded = false;

  /** Whether the end was read: all that was sent is here. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * The records that are complete with this chunk. Addresses and labels share memory with it.
   * @throws WireError for another format or version (`unknown`), octets behind the end (`trailing`), wrong counts
   */
  push(chunk: Uint8Array): FlowRecord[] {
    // Plain octets, whatever the host's own kind, of which some share memory where these copy it.
    const plain = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    const bytes = this.#rest.length === 0 ? plain : joined(this.#rest, plain);
    const reader = new ByteReader(bytes, this.#offset);
    const records: FlowRecord[] = [];
    let consumed = 0;
    if (!this.#hasHead && reader.remaining >= HEAD_BYTES) {
      readHead(reader);
      this.#hasHead = true;
      consumed = HEAD_BYTES;
    }
    while (this.#hasHead && !this.#isEnded && reader.remaining >= LENGTH_BYTES) {
      const { offset } = reader;
      const length = reader.u16();
      if (length < 1 || length > FLOW_RECORD_BYTES_MAX) {
        throw new WireError('length', offset, `flow record of ${length} octets`);
      }
      if (reader.remaining < length) break;
      this.#read(reader.sub(length), records);
      consumed += LENGTH_BYTES + length;
    }
    this.#offset += consumed;
    // A copy: what is left of one chunk is read together with the next, when its owner may have reused it.
    this.#rest = bytes.slice(consumed);
    if (this.#isEnded && this.#rest.length > 0) {
      throw new WireError('trailing', this.#offset, 'octets behind the end of the flows');
    }
    return records;
  }

  /** @throws WireError `short` when the stream was cut off */
  finish(): void {
    if (!this.#isEnded) throw new WireError('short', this.#offset, 'the stream of flows has no end');
  }

  #read(reader: ByteReader, records: FlowRecord[]): void {
    const { offset } = reader;
    const kind = reader.u8();
    if (kind === KIND_FLOW) {
      records.push({ kind: 'flow', entry: readFlow(reader) });
      this.#flows++;
    } else if (kind === KIND_GONE) {
      records.push({ kind: 'gone', key: readKey(reader) });
      this.#gone++;
    } else if (kind === KIND_END) {
      const flows = reader.u32();
      const gone = reader.u32();
      if (flows !== this.#flows || gone !== this.#gone) {
        const about = `${this.#flows} flows and ${this.#gone} gone, but the end says ${flows} and ${gone}`;
        throw new WireError('value', offset, about);
      }
      this.#isEnded = true;
    } else if (kind === KIND_EXPECTATION) {
      records.push({ kind: 'expectation', expectation: readExpectation(reader) });
    } else if (kind >= SKIPPABLE) {
      return;
    } else {
      throw new WireError('unknown', offset, `flow record of kind ${kind}`);
    }
    reader.expectEnd();
  }
}

/**
 * All records of a whole stream.
 * @throws WireError as {@link FlowStateDecoder}, and `short` when it was cut off
 */
export function decodeFlowState(bytes: Uint8Array): FlowRecord[] {
  const decoder = new FlowStateDecoder();
  const records = decoder.push(bytes);
  decoder.finish();
  return records;
}

function readHead(reader: ByteReader): void {
  const { offset } = reader;
  for (const octet of MAGIC) {
    if (reader.u8() !== octet) throw new WireError('unknown', offset, 'not a stream of flows');
  }
  const version = reader.u8();
  if (version !== FLOW_STATE_VERSION) {
    throw new WireError('unknown', offset, `flow state of version ${version}`);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
