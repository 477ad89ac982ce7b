// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readFields, writeFields } from './fields.ts';
import type { FlowEntry, FlowKey, FlowLayer4, FlowTcp } from './flow.ts';
import { invertTuple, isSameAddress, isSameLayer4 } from './inverse.ts';
import {
  ASSURED,
  FIXED_TIMEOUT,
  HAS_FIELDS,
  HAS_REPLY_DESTINATION,
  HAS_REPLY_LAYER4,
  HAS_REPLY_SOURCE,
  HAS_TCP,
  LINUX_ASSURED,
  LINUX_FIXED_TIMEOUT,
  LINUX_SEEN_REPLY,
  SCALE_MAX,
  SEEN_REPLY,
} from './shared-bits.ts';
import { shapeOf } from './tuple-codec.ts';

/*
 * The value of a shared flow, which says nothing that its key says:
 *
 *   value: timeout (v: seven bits an octet, the lowest first; seconds), body
 *   body:  what is there 8, TCP 24, of the reply what is not the original's inverse (source, destination, layer 4), fields
 *   TCP:   state 4, window scale of the original 4, of the reply 8, flags of the original 4, of the reply 4
 *
 * The body is the same as long as the flow is the same, however much time it has left: so bodies are compared as they are.
 */
const TRANSLATED = HAS_REPLY_SOURCE | HAS_REPLY_DESTINATION | HAS_REPLY_LAYER4;

/** Window scale, selective ACK, who closes first: what the ends agreed on. */
const TCP_FLAGS = 0x07;
const STATES_MAX = 0x0f;
const TCP_BYTES = 3;
const LAYER4_BYTES = 4;
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
  if ((entry.status & LINUX_SEEN_REPLY) !== 0) what |= SEEN_REPLY;
  if ((entry.status & LINUX_ASSURED) !== 0) what |= ASSURED;
  if ((entry.status & LINUX_FIXED_TIMEOUT) !== 0) what |= FIXED_TIMEOUT;
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
  const octets: number[] = [what];
  if (tcp !== null) pushTcp(octets, tcp);
  if ((what & HAS_REPLY_SOURCE) !== 0) pushAll(octets, reply.source);
  if ((what & HAS_REPLY_DESTINATION) !== 0) pushAll(octets, reply.destination);
  if ((what & HAS_REPLY_LAYER4) !== 0) pushLayer4(octets, reply.layer4);
  if (hasFields) {
    scratch.reset();
    // What the key says, and what stands above; no kernel takes counters.
    writeFields(scratch, { ...entry, zone: 0, tcp: null, counters: null });
    pushAll(octets, scratch.take());
  }
  return String.fromCharCode.apply(null, octets);
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
  const bodyAt = timeoutEnd(value);
  const octets: number[] = [];
  for (let at = bodyAt; at < value.length; at++) octets.push(value[at] ?? 0);
  return { timeoutSeconds: timeoutOf(value, bodyAt), body: String.fromCharCode.apply(null, octets) };
}

/** A flow from its key, as it was read, and its value. @throws WireError */
export function decodeSharedFlow(key: FlowKey, value: Uint8Array): FlowEntry {
  const bodyAt = timeoutEnd(value);
  return readBody(key, timeoutOf(value, bodyAt), value, bodyAt);
}

/** A flow from its key and what `sharedFlowBody` made of it. @throws WireError */
export function flowOfBody(key: FlowKey, body: string, timeoutSeconds: number): FlowEntry {
  const octets = new Uint8Array(body.length);
  for (let at = 0; at < octets.length; at++) octets[at] = body.charCodeAt(at);
  return readBody(key, timeoutSeconds, octets, 0);
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

/** By octets: a reader for each of a hundred thousand flows would cost more than reading them. */
function readBody(key: FlowKey, timeoutSeconds: number, octets: Uint8Array, bodyAt: number): FlowEntry {
  const { original, zone, zoneDirection } = key;
  const size = original.source.length;
  const what = octets[bodyAt] ?? 0;
  const tcpAt = bodyAt + 1;
  const sourceAt = tcpAt + ((what & HAS_TCP) === 0 ? 0 : TCP_BYTES);
  const destinationAt = sourceAt + ((what & HAS_REPLY_SOURCE) === 0 ? 0 : size);
  const layer4At = destinationAt + ((what & HAS_REPLY_DESTINATION) === 0 ? 0 : size);
  const fieldsAt = layer4At + ((what & HAS_REPLY_LAYER4) === 0 ? 0 : LAYER4_BYTES);
  if (fieldsAt > octets.length)
    throw new WireError('short', octets.length, `need ${fieldsAt} octets, have ${octets.length}`);
  if ((what & HAS_REPLY_LAYER4) !== 0 && original.layer4 === null)
    throw new WireError('value', layer4At, 'a reply with a layer 4, of a protocol that has none');
  const plain = invertTuple(original);
  const source = destinationAt === sourceAt ? plain.source : octets.subarray(sourceAt, destinationAt);
  const destination =
    layer4At === destinationAt ? plain.destination : octets.subarray(destinationAt, layer4At);
  const layer4 = fieldsAt === layer4At ? plain.layer4 : layer4Of(plain.layer4, octets, layer4At);
  const reply = { source, destination, protocol: original.protocol, layer4 };
  const tcp = (what & HAS_TCP) === 0 ? null : readTcp(octets, tcpAt);
  let status = 0;
  if ((what & SEEN_REPLY) !== 0) status |= LINUX_SEEN_REPLY;
  if ((what & ASSURED) !== 0) status |= LINUX_ASSURED;
  if ((what & FIXED_TIMEOUT) !== 0) status |= LINUX_FIXED_TIMEOUT;
  const flow = {
    original,
    reply,
    status,
    timeoutSeconds,
    zone,
    zoneDirection,
    mark: 0,
    tcp,
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
  if ((what & HAS_FIELDS) === 0) {
    if (fieldsAt < octets.length)
      throw new WireError('trailing', fieldsAt, `${octets.length - fieldsAt} octets left over`);
    return flow;
  }
  if (fieldsAt === octets.length) throw new WireError('missing', fieldsAt, 'the fields of a flow');
  const fields = readFields(new ByteReader(octets.subarray(fieldsAt), fieldsAt));
  if (fields.tcp !== null || fields.zone !== 0)
    throw new WireError('value', fieldsAt, 'a field that says what stands before, or in the key');
  const { mark, sctp, helper, labels, master, shifts } = fields;
  return { ...flow, mark, sctp, helper, labels, master, shifts };
}

function pushAll(octets: number[], more: Uint8Array): void {
  for (let at = 0; at < more.length; at++) octets.push(more[at] ?? 0);
}

function pushLayer4(octets: number[], layer4: FlowLayer4): void {
  if (layer4 === null) return;
  const [a, b] =
    layer4.kind === 'ports'
      ? [layer4.source, layer4.destination]
      : [(layer4.type << 8) | layer4.code, layer4.id];
  octets.push(a >> 8, a & 0xff, b >> 8, b & 0xff);
}

/** Of the same kind as `like`. */
function layer4Of(like: FlowLayer4, octets: Uint8Array, at: number): FlowLayer4 {
  const u8 = (place: number): number => octets[at + place] ?? 0;
  const u16 = (place: number): number => (u8(place) << 8) | u8(place + 1);
  return like?.kind === 'icmp'
    ? { kind: 'icmp', type: u8(0), code: u8(1), id: u16(2) }
    : { kind: 'ports', source: u16(0), destination: u16(2) };
}

function pushTcp(octets: number[], { state, originalScale, replyScale, ...flags }: FlowTcp): void {
  if (state > STATES_MAX || originalScale > SCALE_MAX || replyScale > SCALE_MAX)
    throw new WireError('value', 1, `TCP of state ${state}, scales ${originalScale} and ${replyScale}`);
  octets.push((state << 4) | originalScale, replyScale);
  octets.push(((flags.originalFlags & TCP_FLAGS) << 4) | (flags.replyFlags & TCP_FLAGS));
}

function readTcp(octets: Uint8Array, at: number): FlowTcp {
  const [first, replyScale, flags] = [octets[at] ?? 0, octets[at + 1] ?? 0, octets[at + 2] ?? 0];
  const originalScale = first & 0x0f;
  if (originalScale > SCALE_MAX || replyScale > SCALE_MAX || (flags & ~(TCP_FLAGS | (TCP_FLAGS << 4))) !== 0)
    throw new WireError('value', at, `scales ${originalScale} and ${replyScale}, flags ${flags}`);
  return {
    state: first >> 4,
    originalScale,
    replyScale,
    originalFlags: flags >> 4,
    replyFlags: flags & TCP_FLAGS,
  };
}

/** Where the body begins. */
function timeoutEnd(value: Uint8Array): number {
  let at = 0;
  while ((value[at] ?? 0) >= 0x80) at++;
  if (at + 1 >= value.length) throw new WireError('short', value.length, 'a timeout without a body');
  return at + 1;
}

function timeoutOf(value: Uint8Array, end: number): number {
  let seconds = 0;
  let scale = 1;
  for (let at = 0; at < end && scale <= 0xffffffff; at++, scale *= 0x80)
    seconds += ((value[at] ?? 0) & 0x7f) * scale;
  if (end > 5 || seconds > 0xffffffff) throw new WireError('value', 0, 'a timeout of more than 32 bits');
  if (end > 1 && value[end - 1] === 0) throw new WireError('value', 0, 'a timeout with a useless octet');
  return seconds;
}
