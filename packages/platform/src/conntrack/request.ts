// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { AF_INET, AF_INET6 } from '../libc/constants.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import {
  type ConntrackEntry,
  type ConntrackKey,
  type ConntrackSctp,
  type ConntrackTcp,
  type ConntrackTuple,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
} from './entry.ts';
import * as n from './numbers.ts';

/** The kernel sets the other bits itself, and refuses some of them. */
const STATUS_TAKEN = IPS_SEEN_REPLY | IPS_ASSURED | IPS_FIXED_TIMEOUT;
/** Window scale, selective ACK, who closes first: what the ends agreed on. The others are of the tracker's own history. */
const TCP_FLAGS_TAKEN = 0x07;
/** Segments pass whatever their sequence numbers. */
export const TCP_FLAG_LIBERAL: number = 0x08;
export const TCP_FLAGS_MASK: number = TCP_FLAGS_TAKEN | TCP_FLAG_LIBERAL;
const LABELS_ALIGN = 4;

/** Family of a flow, for the header of its requests. */
export function familyOf(tuple: ConntrackTuple): number {
  return tuple.source.length === 16 ? AF_INET6 : AF_INET;
}

/**
 * Checks what would otherwise become a request that says something else.
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function checkTuple(tuple: ConntrackTuple): void {
  const octets = tuple.source.length;
  if ((octets !== 4 && octets !== 16) || tuple.destination.length !== octets) {
    const about = `addresses of ${octets} and ${tuple.destination.length} octets`;
    throw new PlatformError('BAD_ARGUMENT', about, { call: 'conntrack' });
  }
}

/** The tuple under `type`; `zone` above 0 is of this direction alone. */
export function writeTuple(writer: MessageWriter, type: number, tuple: ConntrackTuple, zone = 0): void {
  const isIpv6 = tuple.source.length === 16;
  const start = writer.begin(type);
  const addresses = writer.begin(n.CTA_TUPLE_IP);
  writer.bytes(isIpv6 ? n.CTA_IP_V6_SRC : n.CTA_IP_V4_SRC, tuple.source);
  writer.bytes(isIpv6 ? n.CTA_IP_V6_DST : n.CTA_IP_V4_DST, tuple.destination);
  writer.end(addresses);
  const numbers = writer.begin(n.CTA_TUPLE_PROTO);
  writer.u8(n.CTA_PROTO_NUM, tuple.protocol);
  const { layer4 } = tuple;
  if (layer4?.kind === 'ports') {
    writer.u16(n.CTA_PROTO_SRC_PORT, layer4.source);
    writer.u16(n.CTA_PROTO_DST_PORT, layer4.destination);
  } else if (layer4 !== null) {
    const first = tuple.protocol === n.PROTOCOL_ICMPV6 ? n.CTA_PROTO_ICMPV6_ID : n.CTA_PROTO_ICMP_ID;
    writer.u16(first, layer4.id);
    writer.u8(first + 1, layer4.type);
    writer.u8(first + 2, layer4.code);
  }
  writer.end(numbers);
  if (zone > 0) writer.u16(n.CTA_TUPLE_ZONE, zone);
  writer.end(start);
}

/** What finds an entry: a tuple of either direction, and the zone. */
export function writeKey(
  writer: MessageWriter,
  key: Omit<ConntrackKey, 'original'>,
  type: number,
  tuple: ConntrackTuple,
): void {
  const isOriginal = type === n.CTA_TUPLE_ORIG;
  const isOwn = key.zoneDirection === (isOriginal ? 'original' : 'reply');
  writeTuple(writer, type, tuple, isOwn ? key.zone : 0);
  if (key.zone > 0 && key.zoneDirection === 'both') writer.u16(n.CTA_ZONE, key.zone);
}

/** How entries are made. */
export interface EntryStyle {
  readonly isLiberal: boolean;
  readonly timeoutSecondsMin: number;
}

/**
 * An entry that is to be made. The kernel translates by `CTA_NAT_*` from the untranslated reply: given the translated
 * one it would see nothing to do, and not translate the packets.
 */
export function writeEntry(writer: MessageWriter, entry: ConntrackEntry, style: EntryStyle): void {
  const { original, reply, zoneDirection } = entry;
  writeTuple(writer, n.CTA_TUPLE_ORIG, original, zoneDirection === 'original' ? entry.zone : 0);
  const turned = untranslatedReply(original, reply);
  writeTuple(writer, n.CTA_TUPLE_REPLY, turned, zoneDirection === 'reply' ? entry.zone : 0);
  if (entry.zone > 0 && zoneDirection === 'both') writer.u16(n.CTA_ZONE, entry.zone);
  writeTranslation(writer, original, reply);
  writer.u32(n.CTA_STATUS, (entry.status & STATUS_TAKEN) | IPS_CONFIRMED);
  // 0 would be gone at once.
  const secondsMin = (entry.status & IPS_FIXED_TIMEOUT) === 0 ? Math.max(1, style.timeoutSecondsMin) : 1;
  writer.u32(n.CTA_TIMEOUT, Math.max(secondsMin, entry.timeoutSeconds));
  if (entry.mark !== 0) writer.u32(n.CTA_MARK, entry.mark);
  const { tcp, sctp, helper, labels, master, shifts } = entry;
  if (tcp !== null) writeTcp(writer, tcp, style.isLiberal);
  if (sctp !== null) writeSctp(writer, sctp);
  if (helper !== null) {
    const start = writer.begin(n.CTA_HELP);
    writer.text(n.CTA_HELP_NAME, helper);
    writer.end(start);
  }
  if (labels !== null) {
    const padded = new Uint8Array(Math.ceil(labels.length / LABELS_ALIGN) * LABELS_ALIGN);
    padded.set(labels);
    writer.bytes(n.CTA_LABELS, padded);
  }
  if (master !== null) writeTuple(writer, n.CTA_TUPLE_MASTER, master);
  if (shifts !== null) {
    for (const [type, shift] of [
      [n.CTA_SEQ_ADJ_ORIG, shifts.original],
      [n.CTA_SEQ_ADJ_REPLY, shifts.reply],
    ] as const) {
      const start = writer.begin(type);
      writer.u32(n.CTA_SEQADJ_CORRECTION_POS, shift.position);
      writer.i32(n.CTA_SEQADJ_OFFSET_BEFORE, shift.before);
      writer.i32(n.CTA_SEQADJ_OFFSET_AFTER, shift.after);
      writer.end(start);
    }
  }
}

function writeTcp(writer: MessageWriter, tcp: ConntrackTcp, isLiberal: boolean): void {
  const outer = writer.begin(n.CTA_PROTOINFO);
  const inner = writer.begin(n.CTA_PROTOINFO_TCP);
  writer.u8(n.CTA_PROTOINFO_TCP_STATE, tcp.state);
  writer.u8(n.CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, tcp.originalScale);
  writer.u8(n.CTA_PROTOINFO_TCP_WSCALE_REPLY, tcp.replyScale);
  writer.u16(n.CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, tcpFlags(tcp.originalFlags, isLiberal));
  writer.u16(n.CTA_PROTOINFO_TCP_FLAGS_REPLY, tcpFlags(tcp.replyFlags, isLiberal));
  writer.end(inner);
  writer.end(outer);
}

/** The flags, and which of them count. */
function tcpFlags(seen: number, isLiberal: boolean): number {
  const liberal = isLiberal ? TCP_FLAG_LIBERAL : seen & TCP_FLAG_LIBERAL;
  return (((seen & TCP_FLAGS_TAKEN) | liberal) << 8) | TCP_FLAGS_MASK;
}

function writeSctp(writer: MessageWriter, sctp: ConntrackSctp): void {
  const outer = writer.begin(n.CTA_PROTOINFO);
  const inner = writer.begin(n.CTA_PROTOINFO_SCTP);
  writer.u8(n.CTA_PROTOINFO_SCTP_STATE, sctp.state);
  writer.u32(n.CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, sctp.originalTag);
  writer.u32(n.CTA_PROTOINFO_SCTP_VTAG_REPLY, sctp.replyTag);
  writer.end(inner);
  writer.end(outer);
}

/** The reply with addresses and ports of the original; only an ICMP answer's type and code are its own. */
function untranslatedReply(original: ConntrackTuple, reply: ConntrackTuple): ConntrackTuple {
  const { layer4 } = original;
  const turned: ConntrackTuple['layer4'] =
    layer4 === null
      ? null
      : layer4.kind === 'ports'
        ? { kind: 'ports', source: layer4.destination, destination: layer4.source }
        : reply.layer4?.kind === 'icmp'
          ? { ...reply.layer4, id: layer4.id }
          : layer4;
  return {
    source: original.destination,
    destination: original.source,
    protocol: original.protocol,
    layer4: turned,
  };
}

/** Answers go to what the source became, and come from what the destination became. */
function writeTranslation(writer: MessageWriter, original: ConntrackTuple, reply: ConntrackTuple): void {
  const [source, destination] = numbersOf(original, false);
  const [replySource, replyDestination] = numbersOf(reply, true);
  if (!isSame(reply.source, original.destination) || replySource !== destination) {
    writeManipulation(writer, n.CTA_NAT_DST, reply.source, replySource);
  }
  if (!isSame(reply.destination, original.source) || replyDestination !== source) {
    writeManipulation(writer, n.CTA_NAT_SRC, reply.destination, replyDestination);
  }
}

function writeManipulation(
  writer: MessageWriter,
  type: number,
  address: Uint8Array,
  port: number | null,
): void {
  const isIpv6 = address.length === 16;
  const start = writer.begin(type);
  writer.bytes(isIpv6 ? n.CTA_NAT_V6_MINIP : n.CTA_NAT_V4_MINIP, address);
  writer.bytes(isIpv6 ? n.CTA_NAT_V6_MAXIP : n.CTA_NAT_V4_MAXIP, address);
  if (port !== null) {
    const ports = writer.begin(n.CTA_NAT_PROTO);
    writer.u16(n.CTA_PROTONAT_PORT_MIN, port);
    writer.u16(n.CTA_PROTONAT_PORT_MAX, port);
    writer.end(ports);
  }
  writer.end(start);
}

/** Source's and destination's number. An ICMP identifier belongs to whoever asked: the source of the first packet. */
function numbersOf({ layer4 }: ConntrackTuple, isReply: boolean): [number | null, number | null] {
  if (layer4 === null) return [null, null];
  if (layer4.kind === 'ports') return [layer4.source, layer4.destination];
  return isReply ? [null, layer4.id] : [layer4.id, null];
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
