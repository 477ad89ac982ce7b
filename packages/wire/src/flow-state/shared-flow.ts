// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readFields, writeFields } from './fields.ts';
import type { FlowEntry, FlowKey, FlowTcp } from './flow.ts';
import { invertTuple, isSameAddress, isSameLayer4 } from './inverse.ts';
import { readLayer4, SHAPE_IPV6, shapeOf, writeLayer4 } from './tuple-codec.ts';

/*
 * The value of a shared flow, which says nothing that its key says:
 *
 *   value: timeout (v: seven bits an octet, the lowest first; seconds), body
 *   body:  what is there 8, TCP 24, of the reply what is not the original's inverse (source, destination, layer 4), fields
 *   TCP:   state 4, window scale of the original 4, of the reply 8, flags of the original 4, of the reply 4
 *
 * The body is the same as long as the flow is the same, however much time it has left: so bodies are compared as they are.
 */
const HAS_REPLY_SOURCE = 0x01;
const HAS_REPLY_DESTINATION = 0x02;
const HAS_REPLY_LAYER4 = 0x04;
const SEEN_REPLY = 0x08;
const ASSURED = 0x10;
const FIXED_TIMEOUT = 0x20;
const HAS_TCP = 0x40;
const HAS_FIELDS = 0x80;
const TRANSLATED = HAS_REPLY_SOURCE | HAS_REPLY_DESTINATION | HAS_REPLY_LAYER4;

/** Bits of the status that count, as Linux numbers them; the others it makes itself. */
const STATUS: readonly (readonly [linux: number, ours: number])[] = [
  [0x2, SEEN_REPLY],
  [0x4, ASSURED],
  [0x400, FIXED_TIMEOUT],
];
/** Window scale, selective ACK, who closes first: what the ends agreed on. */
const TCP_FLAGS = 0x07;
const SCALE_MAX = 14;
const STATES_MAX = 0x0f;
const BODY_BYTES_MAX = 512;

const scratch = new ByteWriter(BODY_BYTES_MAX, 64 * 1024);

/**
 * What is known of a flow but for its key and the time left, an octet a character: to be kept, and to be compared.
 * @throws WireError when a value does not fit
 */
export function sharedFlowBody(entry: FlowEntry): string {
  const { original, reply, tcp } = entry;
  if (
    shapeOf(original, 0) !== shapeOf(reply, 0) ||
    reply.protocol !== original.protocol ||
    (original.layer4 === null) !== (reply.layer4 === null)
  )
    throw new WireError('value', 0, 'the two tuples of a flow are of different kinds');
  const plain = invertTuple(original);
  let what = 0;
  for (const [linux, ours] of STATUS) if ((entry.status & linux) !== 0) what |= ours;
  if (!isSameAddress(reply.source, plain.source)) what |= HAS_REPLY_SOURCE;
  if (!isSameAddress(reply.destination, plain.destination)) what |= HAS_REPLY_DESTINATION;
  if (!isSameLayer4(reply.layer4, plain.layer4)) what |= HAS_REPLY_LAYER4;
  if (tcp !== null) what |= HAS_TCP;
  const hasFields =
    entry.mark !== 0 ||
    entry.sctp !== null ||
    entry.helper !== null ||
    entry.labels !== null ||
    entry.master !== null ||
    entry.shifts !== null;
  if (hasFields) what |= HAS_FIELDS;
  const writer = scratch;
  writer.reset();
  writer.u8(what);
  if (tcp !== null) writeTcp(writer, tcp);
  if ((what & HAS_REPLY_SOURCE) !== 0) writer.bytes(reply.source);
  if ((what & HAS_REPLY_DESTINATION) !== 0) writer.bytes(reply.destination);
  if ((what & HAS_REPLY_LAYER4) !== 0) writeLayer4(writer, reply.layer4);
  // What the key says, and what stands above; no kernel takes counters.
  if (hasFields) writeFields(writer, { ...entry, zone: 0, tcp: null, counters: null });
  return textOf(writer.take());
}

/** The value of a key. */
export function sharedFlowValue(body: string, timeoutSeconds: number): Uint8Array {
  let octets = 1;
  for (let left = timeoutSeconds; left >= 0x80; left = Math.floor(left / 0x80)) octets++;
  const value = new Uint8Array(octets + body.length);
  let left = timeoutSeconds;
  for (let at = 0; at < octets; at++) {
    value[at] = (left % 0x80) | (at < octets - 1 ? 0x80 : 0);
    left = Math.floor(left / 0x80);
  }
  for (let at = 0; at < body.length; at++) value[octets + at] = body.charCodeAt(at);
  return value;
}

/** The two parts of a value, the body unread. @throws WireError */
export function sharedFlowParts(value: Uint8Array): {
  readonly timeoutSeconds: number;
  readonly body: string;
} {
  const reader = new ByteReader(value);
  const timeoutSeconds = readTimeout(reader);
  return { timeoutSeconds, body: textOf(reader.rest()) };
}

/** A flow from its key, as it was read, and its value. @throws WireError */
export function decodeSharedFlow(key: FlowKey, value: Uint8Array): FlowEntry {
  const reader = new ByteReader(value);
  const timeoutSeconds = readTimeout(reader);
  return readBody(key, timeoutSeconds, reader);
}

/** A flow from its key and what `sharedFlowBody` made of it. @throws WireError */
export function flowOfBody(key: FlowKey, body: string, timeoutSeconds: number): FlowEntry {
  const octets = new Uint8Array(body.length);
  for (let at = 0; at < octets.length; at++) octets[at] = body.charCodeAt(at);
  return readBody(key, timeoutSeconds, new ByteReader(octets));
}

/** What can be told of a body without reading it. */
export interface SharedFlowView {
  /** Null: no TCP. */
  readonly tcpState: number | null;
  readonly isTranslated: boolean;
  readonly hasSeenReply: boolean;
  /** There is something that an event may leave out: a mark, a helper, a master … */
  readonly hasFields: boolean;
}

export function viewSharedFlow(body: string): SharedFlowView {
  const what = body.charCodeAt(0);
  return {
    tcpState: (what & HAS_TCP) === 0 ? null : body.charCodeAt(1) >> 4,
    isTranslated: (what & TRANSLATED) !== 0,
    hasSeenReply: (what & SEEN_REPLY) !== 0,
    hasFields: (what & HAS_FIELDS) !== 0,
  };
}

function readBody(key: FlowKey, timeoutSeconds: number, reader: ByteReader): FlowEntry {
  const { original, zone, zoneDirection } = key;
  const what = reader.u8();
  let status = 0;
  for (const [linux, ours] of STATUS) if ((what & ours) !== 0) status |= linux;
  const tcp = (what & HAS_TCP) === 0 ? null : readTcp(reader);
  const octets = original.source.length;
  const plain = invertTuple(original);
  const { offset } = reader;
  const source = (what & HAS_REPLY_SOURCE) === 0 ? plain.source : reader.bytes(octets);
  const destination = (what & HAS_REPLY_DESTINATION) === 0 ? plain.destination : reader.bytes(octets);
  if ((what & HAS_REPLY_LAYER4) !== 0 && original.layer4 === null)
    throw new WireError('value', offset, 'a reply with a layer 4, of a protocol that has none');
  const shape = shapeOf(original, offset) & ~SHAPE_IPV6;
  const layer4 = (what & HAS_REPLY_LAYER4) === 0 ? plain.layer4 : readLayer4(reader, shape);
  const reply = { source, destination, protocol: original.protocol, layer4 };
  const place = reader.offset;
  if ((what & HAS_FIELDS) !== 0 && reader.remaining === 0)
    throw new WireError('missing', place, 'the fields of a flow');
  if ((what & HAS_FIELDS) === 0) reader.expectEnd();
  const fields = readFields(reader);
  if (fields.tcp !== null || fields.zone !== 0)
    throw new WireError('value', place, 'a field that says what stands before, or in the key');
  return { ...fields, original, reply, status, timeoutSeconds, zone, zoneDirection, tcp, counters: null };
}

function writeTcp(writer: ByteWriter, { state, originalScale, replyScale, ...flags }: FlowTcp): void {
  if (state > STATES_MAX || originalScale > SCALE_MAX || replyScale > SCALE_MAX)
    throw new WireError('value', 1, `TCP of state ${state}, scales ${originalScale} and ${replyScale}`);
  writer.u8((state << 4) | originalScale).u8(replyScale);
  writer.u8(((flags.originalFlags & TCP_FLAGS) << 4) | (flags.replyFlags & TCP_FLAGS));
}

function readTcp(reader: ByteReader): FlowTcp {
  const { offset } = reader;
  const [first, replyScale, flags] = [reader.u8(), reader.u8(), reader.u8()];
  const originalScale = first & 0x0f;
  if (originalScale > SCALE_MAX || replyScale > SCALE_MAX || (flags & ~(TCP_FLAGS | (TCP_FLAGS << 4))) !== 0)
    throw new WireError('value', offset, `scales ${originalScale} and ${replyScale}, flags ${flags}`);
  return {
    state: first >> 4,
    originalScale,
    replyScale,
    originalFlags: flags >> 4,
    replyFlags: flags & TCP_FLAGS,
  };
}

function readTimeout(reader: ByteReader): number {
  const { offset } = reader;
  let value = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const octet = reader.u8();
    value += (octet & 0x7f) * scale;
    if (value > 0xffffffff) throw new WireError('value', offset, 'a timeout of more than 32 bits');
    if (octet >= 0x80) continue;
    if (octet === 0 && scale > 1) throw new WireError('value', offset, 'a timeout with a useless octet');
    return value;
  }
}

function textOf(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
