// SPDX-License-Identifier: Apache-2.0
import { AttributeReader } from '../netlink/attribute-reader.ts';
import { readText } from '../netlink/message.ts';
import type {
  ConntrackEntry,
  ConntrackLayer4,
  ConntrackSctp,
  ConntrackShift,
  ConntrackTcp,
  ConntrackTuple,
} from './entry.ts';
import * as n from './numbers.ts';

/** struct nfgenmsg: family 1, version 1, resource id 2. */
const FAMILY_HEADER_BYTES = 4;
const STATUS_BITS = 0xffff;

/** A tuple, and the zone that is its own. */
export interface TupleWithZone {
  readonly tuple: ConntrackTuple;
  /** Null when the tuple has none of its own. */
  readonly zone: number | null;
}

interface Amount {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/**
 * The entry in a message of the kernel; undefined when it names no flow. Addresses and labels share memory with the
 * message.
 */
export function parseEntry(body: Uint8Array): ConntrackEntry | undefined {
  const attributes = new AttributeReader(body, FAMILY_HEADER_BYTES);
  let original: TupleWithZone | undefined;
  let reply: TupleWithZone | undefined;
  let master: ConntrackTuple | null = null;
  let status = 0;
  let timeoutSeconds = 0;
  let mark = 0;
  let zone = 0;
  let tcp: ConntrackTcp | null = null;
  let sctp: ConntrackSctp | null = null;
  let helper: string | null = null;
  let labels: Uint8Array | null = null;
  let sent: Amount | null = null;
  let answered: Amount | null = null;
  let originalShift: ConntrackShift | null = null;
  let replyShift: ConntrackShift | null = null;
  while (attributes.next()) {
    switch (attributes.type) {
      case n.CTA_TUPLE_ORIG:
        original = parseTuple(attributes.inside());
        break;
      case n.CTA_TUPLE_REPLY:
        reply = parseTuple(attributes.inside());
        break;
      case n.CTA_TUPLE_MASTER:
        master = parseTuple(attributes.inside())?.tuple ?? null;
        break;
      case n.CTA_STATUS:
        status = attributes.u32() & STATUS_BITS;
        break;
      case n.CTA_TIMEOUT:
        timeoutSeconds = attributes.u32();
        break;
      case n.CTA_MARK:
        mark = attributes.u32();
        break;
      case n.CTA_ZONE:
        zone = attributes.u16();
        break;
      case n.CTA_PROTOINFO: {
        const inside = attributes.inside();
        if (!inside.next()) break;
        if (inside.type === n.CTA_PROTOINFO_TCP) tcp = parseTcp(inside.inside());
        else if (inside.type === n.CTA_PROTOINFO_SCTP) sctp = parseSctp(inside.inside());
        break;
      }
      case n.CTA_HELP: {
        const inside = attributes.inside();
        while (inside.next()) if (inside.type === n.CTA_HELP_NAME) helper = readText(inside.bytes());
        break;
      }
      case n.CTA_LABELS:
        labels = attributes.bytes();
        break;
      case n.CTA_COUNTERS_ORIG:
        sent = parseAmount(attributes.inside());
        break;
      case n.CTA_COUNTERS_REPLY:
        answered = parseAmount(attributes.inside());
        break;
      case n.CTA_SEQ_ADJ_ORIG:
        originalShift = parseShift(attributes.inside());
        break;
      case n.CTA_SEQ_ADJ_REPLY:
        replyShift = parseShift(attributes.inside());
        break;
    }
  }
  if (original === undefined || reply === undefined) return undefined;
  return {
    original: original.tuple,
    reply: reply.tuple,
    status,
    timeoutSeconds,
    zone: zone || original.zone || reply.zone || 0,
    zoneDirection: original.zone ? 'original' : reply.zone ? 'reply' : 'both',
    mark,
    tcp,
    sctp,
    helper: helper === '' ? null : helper,
    labels,
    counters:
      sent === null || answered === null
        ? null
        : {
            originalPackets: sent.packets,
            originalBytes: sent.bytes,
            replyPackets: answered.packets,
            replyBytes: answered.bytes,
          },
    master,
    shifts:
      originalShift === null || replyShift === null ? null : { original: originalShift, reply: replyShift },
  };
}

/** What a tuple's attributes say; undefined without addresses. They share memory with the message. */
export function parseTuple(attributes: AttributeReader): TupleWithZone | undefined {
  let source: Uint8Array | undefined;
  let destination: Uint8Array | undefined;
  let zone: number | null = null;
  let protocol = 0;
  let layer4: ConntrackLayer4 = null;
  while (attributes.next()) {
    if (attributes.type === n.CTA_TUPLE_IP) {
      const addresses = attributes.inside();
      while (addresses.next()) {
        const { type } = addresses;
        if (type === n.CTA_IP_V4_SRC || type === n.CTA_IP_V6_SRC) source = addresses.bytes();
        else if (type === n.CTA_IP_V4_DST || type === n.CTA_IP_V6_DST) destination = addresses.bytes();
      }
    } else if (attributes.type === n.CTA_TUPLE_PROTO) {
      const inside = attributes.inside();
      const numbers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
      let seen = 0;
      while (inside.next()) {
        const { type } = inside;
        if (type >= numbers.length) continue;
        numbers[type] = inside.length === 1 ? inside.u8() : inside.u16();
        seen |= 1 << type;
      }
      protocol = numbers[n.CTA_PROTO_NUM] ?? 0;
      layer4 = layer4Of(numbers, seen);
    } else if (attributes.type === n.CTA_TUPLE_ZONE) {
      zone = attributes.u16();
    }
  }
  if (source === undefined || destination === undefined || source.length !== destination.length) {
    return undefined;
  }
  if (source.length !== 4 && source.length !== 16) return undefined;
  return { tuple: { source, destination, protocol, layer4 }, zone };
}

function layer4Of(numbers: readonly number[], seen: number): ConntrackLayer4 {
  const at = (type: number): number => numbers[type] ?? 0;
  if ((seen & (1 << n.CTA_PROTO_SRC_PORT)) !== 0) {
    return { kind: 'ports', source: at(n.CTA_PROTO_SRC_PORT), destination: at(n.CTA_PROTO_DST_PORT) };
  }
  for (const first of [n.CTA_PROTO_ICMP_ID, n.CTA_PROTO_ICMPV6_ID]) {
    if ((seen & (1 << first)) !== 0) {
      return { kind: 'icmp', type: at(first + 1), code: at(first + 2), id: at(first) };
    }
  }
  return null;
}

function parseTcp(attributes: AttributeReader): ConntrackTcp {
  const numbers = [0, 0, 0, 0, 0, 0];
  // Flags are a pair of octets: the flags, and a mask that only counts in requests.
  while (attributes.next()) if (attributes.type < numbers.length) numbers[attributes.type] = attributes.u8();
  return {
    state: numbers[n.CTA_PROTOINFO_TCP_STATE] ?? 0,
    originalScale: numbers[n.CTA_PROTOINFO_TCP_WSCALE_ORIGINAL] ?? 0,
    replyScale: numbers[n.CTA_PROTOINFO_TCP_WSCALE_REPLY] ?? 0,
    originalFlags: numbers[n.CTA_PROTOINFO_TCP_FLAGS_ORIGINAL] ?? 0,
    replyFlags: numbers[n.CTA_PROTOINFO_TCP_FLAGS_REPLY] ?? 0,
  };
}

function parseSctp(attributes: AttributeReader): ConntrackSctp {
  let state = 0;
  let originalTag = 0;
  let replyTag = 0;
  while (attributes.next()) {
    if (attributes.type === n.CTA_PROTOINFO_SCTP_STATE) state = attributes.u8();
    else if (attributes.type === n.CTA_PROTOINFO_SCTP_VTAG_ORIGINAL) originalTag = attributes.u32();
    else if (attributes.type === n.CTA_PROTOINFO_SCTP_VTAG_REPLY) replyTag = attributes.u32();
  }
  return { state, originalTag, replyTag };
}

function parseAmount(attributes: AttributeReader): Amount {
  let packets = 0n;
  let bytes = 0n;
  while (attributes.next()) {
    if (attributes.type === n.CTA_COUNTERS_PACKETS) packets = attributes.u64();
    else if (attributes.type === n.CTA_COUNTERS_BYTES) bytes = attributes.u64();
  }
  return { packets, bytes };
}

function parseShift(attributes: AttributeReader): ConntrackShift {
  let position = 0;
  let before = 0;
  let after = 0;
  while (attributes.next()) {
    if (attributes.type === n.CTA_SEQADJ_CORRECTION_POS) position = attributes.u32();
    else if (attributes.type === n.CTA_SEQADJ_OFFSET_BEFORE) before = attributes.i32();
    else if (attributes.type === n.CTA_SEQADJ_OFFSET_AFTER) after = attributes.i32();
  }
  return { position, before, after };
}
