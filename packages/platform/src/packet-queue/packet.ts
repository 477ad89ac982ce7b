// SPDX-License-Identifier: Apache-2.0
import type { ConntrackLayer4, ConntrackTcp, ConntrackTuple } from '../conntrack/entry.ts';

/** What a first packet says of its flow, as it stands after its translation. */
export interface FirstPacket {
  readonly tuple: ConntrackTuple;
  /** Octets 0 to 8 of layer 4, which tell it from other first packets between the same addresses. */
  readonly head: Uint8Array;
  /** Null: no TCP, or not the beginning of it. */
  readonly tcp: ConntrackTcp | null;
}

const ICMP = 1;
const TCP = 6;
const ICMPV6 = 58;
/** TCP, UDP, DCCP, SCTP, UDP-Lite. */
const WITH_PORTS: ReadonlySet<number> = new Set([TCP, 17, 33, 132, 136]);
/** Hop-by-hop options, routing, destination options; the kernel has put fragments together by then. */
const IPV6_EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const IPV6_EXTENSIONS_MAX = 8;
export const HEAD_BYTES = 8;

const TCP_SYN_SENT = 1;
const TCP_FLAG_SYN = 0x02;
const TCP_OPTIONS_AT = 20;
const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_SCALE = 3;
const OPTION_SELECTIVE = 4;
const SCALE_MAX = 14;
const SCALES = 1;
const SELECTIVE = 2;

/** Undefined: no IP, a protocol whose flows have nothing but addresses, or too little of it. */
export function readFirstPacket(bytes: Uint8Array): FirstPacket | undefined {
  const place = layer4Of(bytes);
  if (place === undefined) return undefined;
  const { source, destination, protocol, at } = place;
  const layer4 = readLayer4(bytes, protocol, at);
  if (layer4 === undefined || bytes.length < at + HEAD_BYTES) return undefined;
  return {
    tuple: { source, destination, protocol, layer4 },
    head: bytes.subarray(at, at + HEAD_BYTES),
    tcp: protocol === TCP ? readTcp(bytes, at) : null,
  };
}

interface Layer4Place extends Omit<ConntrackTuple, 'layer4'> {
  readonly at: number;
}

function layer4Of(bytes: Uint8Array): Layer4Place | undefined {
  const first = bytes[0] ?? 0;
  if (first >> 4 === 4) {
    const at = (first & 0x0f) * 4;
    if (at < 20 || bytes.length < at) return undefined;
    const [source, destination] = [bytes.subarray(12, 16), bytes.subarray(16, 20)];
    return { source, destination, protocol: bytes[9] ?? 0, at };
  }
  if (first >> 4 !== 6 || bytes.length < 40) return undefined;
  let [protocol, at] = [bytes[6] ?? 0, 40];
  for (let count = 0; IPV6_EXTENSIONS.has(protocol); count++) {
    if (count === IPV6_EXTENSIONS_MAX || bytes.length < at + 2) return undefined;
    protocol = bytes[at] ?? 0;
    at += 8 * ((bytes[at + 1] ?? 0) + 1);
  }
  return { source: bytes.subarray(8, 24), destination: bytes.subarray(24, 40), protocol, at };
}

function readLayer4(bytes: Uint8Array, protocol: number, at: number): ConntrackLayer4 | undefined {
  const u16 = (offset: number): number => ((bytes[at + offset] ?? 0) << 8) | (bytes[at + offset + 1] ?? 0);
  if (protocol === ICMP || protocol === ICMPV6)
    return { kind: 'icmp', type: bytes[at] ?? 0, code: bytes[at + 1] ?? 0, id: u16(4) };
  return WITH_PORTS.has(protocol) ? { kind: 'ports', source: u16(0), destination: u16(2) } : undefined;
}

/** As the kernel's tracking will have it after this segment. */
function readTcp(bytes: Uint8Array, at: number): ConntrackTcp | null {
  if (((bytes[at + 13] ?? 0) & TCP_FLAG_SYN) === 0) return null;
  const end = Math.min(bytes.length, at + ((bytes[at + 12] ?? 0) >> 4) * 4);
  let [scale, flags] = [0, 0];
  for (let option = at + TCP_OPTIONS_AT; option < end; ) {
    const kind = bytes[option] ?? OPTION_END;
    if (kind === OPTION_END) break;
    const length = kind === OPTION_NOTHING ? 1 : (bytes[option + 1] ?? 0);
    if (length === 0 || option + length > end) break;
    if (kind === OPTION_SELECTIVE && length === 2) flags |= SELECTIVE;
    if (kind === OPTION_SCALE && length === 3) {
      flags |= SCALES;
      scale = Math.min(SCALE_MAX, bytes[option + 2] ?? 0);
    }
    option += length;
  }
  return {
    state: TCP_SYN_SENT,
    originalScale: scale,
    replyScale: 0,
    originalFlags: flags,
    replyFlags: 0,
  };
}
