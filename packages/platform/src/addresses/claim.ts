// SPDX-License-Identifier: Apache-2.0
import { ipBytes, ipText } from '../netlink/ip.ts';
import { viewOf } from '../netlink/message.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, type FilterStep } from './packet-socket.ts';

const ETHERTYPE = 12;
/** Places in an ARP frame of Ethernet and IPv4. */
const ARP = { senderHardware: 22, sender: 28, target: 38, bytes: 42 };
/** Places in a neighbour solicitation or advertisement. */
const ND = { nextHeader: 20, source: 22, type: 54, target: 62, options: 78 };
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const OPTION_TARGET_HARDWARE_ADDRESS = 2;

/** What a frame says of an address. */
export interface Said {
  readonly address: string;
  /** `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  /** `claim`: the sender has the address; `probe`: it asks whether somebody has, as it wants it. */
  readonly kind: 'claim' | 'probe';
}

/** Reads a frame of ARP, or of neighbour discovery; undefined when it says nothing of the kind. */
export function readSaid(frame: Uint8Array): Said | undefined {
  const view = viewOf(frame);
  if (frame.length < ARP.bytes) return undefined;
  const type = view.getUint16(ETHERTYPE);
  if (type === ETHERTYPE_ARP) {
    const sender = frame.subarray(ARP.sender, ARP.sender + 4);
    const isProbe = sender.every((octet) => octet === 0);
    const address = isProbe ? frame.subarray(ARP.target, ARP.target + 4) : sender;
    return said(address, frame.subarray(ARP.senderHardware), isProbe);
  }
  if (type !== ETHERTYPE_IPV6 || frame.length < ND.options || frame[ND.nextHeader] !== ICMPV6)
    return undefined;
  const target = frame.subarray(ND.target, ND.options);
  switch (frame[ND.type]) {
    case SOLICITATION: {
      // Whoever has an address asks from it; only duplicate address detection asks from none. RFC 4862 §5.4.2.
      const isProbe = frame.subarray(ND.source, ND.source + 16).every((octet) => octet === 0);
      return isProbe ? said(target, frame.subarray(6), true) : undefined;
    }
    case ADVERTISEMENT: {
      const hasOption =
        frame.length >= ND.options + 8 && frame[ND.options] === OPTION_TARGET_HARDWARE_ADDRESS;
      return said(target, frame.subarray(hasOption ? ND.options + 2 : 6), false);
    }
    default:
      return undefined;
  }
}

function said(address: Uint8Array, hardware: Uint8Array, isProbe: boolean): Said {
  return {
    address: ipText(address),
    hardwareAddress: hardwareText(hardware),
    kind: isProbe ? 'probe' : 'claim',
  };
}

/** The first six octets with colons between them. */
export function hardwareText(octets: Uint8Array): string {
  return Array.from(octets.subarray(0, 6), (octet) => octet.toString(16).padStart(2, '0')).join(':');
}

/** The octets of `02:00:00:00:00:01`. */
export function hardwareBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (octet) => Number.parseInt(octet, 16));
}

const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const LOAD_OCTET = 0x30;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
/** The kernel's own data, beyond the frame: of which kind it is for this host. */
const PACKET_TYPE = 0xfffff004;
const OUTGOING = 4;
const TAKEN_BYTES = 0x100;

/**
 * A filter that lets through what others say of these addresses: ARP with one as its sender, advertisements with one as
 * target; with `withProbes` also ARP and solicitations that ask for one. So a flood of others costs us nothing.
 */
export function claimFilter(addresses: readonly string[], withProbes: boolean): FilterStep[] {
  const all = addresses.map(ipBytes);
  const load = (code: number, value: number): FilterStep => ({ code, ifTrue: 0, ifFalse: 0, value });
  const unless = (value: number, skip: number): FilterStep => ({
    code: JUMP_EQUAL,
    ifTrue: 0,
    ifFalse: skip,
    value,
  });
  const take = load(RETURN, TAKEN_BYTES);
  const drop = load(RETURN, 0);
  const four = all.filter(({ length }) => length === 4).map((octets) => viewOf(octets).getUint32(0));
  const anyOf = (at: number): FilterStep[] => [
    load(LOAD_WORD, at),
    ...four.flatMap((address) => [unless(address, 1), take]),
  ];
  const arp = [...anyOf(ARP.sender), ...(withProbes ? anyOf(ARP.target) : []), drop];
  const six = all
    .filter(({ length }) => length === 16)
    .flatMap((octets) =>
      [0, 4, 8, 12]
        .flatMap((at) => [load(LOAD_WORD, ND.target + at), unless(viewOf(octets).getUint32(at), 7 - at / 2)])
        .concat(take),
    );
  const discovery = [
    unless(ETHERTYPE_IPV6, 2),
    load(LOAD_OCTET, ND.nextHeader),
    { code: JUMP_EQUAL, ifTrue: 1, ifFalse: 0, value: ICMPV6 },
    drop,
    load(LOAD_OCTET, ND.type),
    ...(withProbes ? [{ code: JUMP_EQUAL, ifTrue: 2, ifFalse: 0, value: SOLICITATION }] : []),
    { code: JUMP_EQUAL, ifTrue: 1, ifFalse: 0, value: ADVERTISEMENT },
    drop,
    ...six,
    drop,
  ];
  return [
    load(LOAD_OCTET, PACKET_TYPE),
    unless(OUTGOING, 1),
    drop,
    load(LOAD_HALF, ETHERTYPE),
    { code: JUMP_EQUAL, ifTrue: 1, ifFalse: 0, value: ETHERTYPE_ARP },
    load(JUMP, arp.length),
    ...arp,
    ...discovery,
  ];
}
