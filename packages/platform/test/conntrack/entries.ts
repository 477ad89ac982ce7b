// SPDX-License-Identifier: Apache-2.0
import {
  type ConntrackEntry,
  type ConntrackTuple,
  IPS_ASSURED,
  IPS_SEEN_REPLY,
} from '../../src/conntrack/index.ts';

const bare = {
  zone: 0,
  zoneDirection: 'both',
  mark: 0,
  tcp: null,
  sctp: null,
  helper: null,
  labels: null,
  counters: null,
  master: null,
  shifts: null,
} as const;

export const address = (...octets: number[]): Uint8Array => Uint8Array.from(octets);

export function ports(
  protocol: number,
  source: Uint8Array,
  sourcePort: number,
  destination: Uint8Array,
  destinationPort: number,
): ConntrackTuple {
  const layer4 = { kind: 'ports' as const, source: sourcePort, destination: destinationPort };
  return { source, destination, protocol, layer4 };
}

/** TCP from 10.0.0.2 with the given port to 192.0.2.80, translated to 198.51.100.1 and port + 1000. */
export function masqueraded(port: number): ConntrackEntry {
  const server = address(192, 0, 2, 80);
  return {
    ...bare,
    original: ports(6, address(10, 0, 0, 2), port, server, 80),
    reply: ports(6, server, 80, address(198, 51, 100, 1), port + 1000),
    status: IPS_SEEN_REPLY | IPS_ASSURED,
    timeoutSeconds: 5000,
    mark: 42,
    tcp: { state: 3, originalScale: 7, replyScale: 9, originalFlags: 3, replyFlags: 3 },
  };
}

/** UDP between two addresses that are not translated; the number tells flows apart, up to 2^24. */
export function plainUdp(number: number): ConntrackEntry {
  const from = address(10, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);
  const to = address(192, 0, 2, 53);
  return {
    ...bare,
    original: ports(17, from, 5000, to, 53),
    reply: ports(17, to, 53, from, 5000),
    status: IPS_SEEN_REPLY,
    timeoutSeconds: 600,
  };
}

const zeros: readonly number[] = Array.from({ length: 14 }, () => 0);

/** One of each kind that a gateway has to do with. */
export const various: readonly (readonly [string, ConntrackEntry])[] = [
  ['TCP behind a masquerade', masqueraded(40_000)],
  ['UDP without an answer', { ...plainUdp(1), status: 0 }],
  [
    'a port forwarded to a server inside',
    {
      ...masqueraded(1),
      original: ports(6, address(203, 0, 113, 9), 7000, address(198, 51, 100, 1), 8080),
      reply: ports(6, address(10, 0, 0, 9), 80, address(203, 0, 113, 9), 7000),
    },
  ],
  [
    'both ends translated',
    {
      ...masqueraded(1),
      original: ports(6, address(10, 0, 0, 3), 7000, address(198, 51, 100, 1), 8080),
      reply: ports(6, address(10, 0, 0, 9), 80, address(10, 0, 0, 1), 61_000),
    },
  ],
  [
    'a ping whose identifier is translated',
    {
      ...plainUdp(1),
      original: {
        source: address(10, 0, 0, 2),
        destination: address(192, 0, 2, 80),
        protocol: 1,
        layer4: { kind: 'icmp', type: 8, code: 0, id: 77 },
      },
      reply: {
        source: address(192, 0, 2, 80),
        destination: address(198, 51, 100, 1),
        protocol: 1,
        layer4: { kind: 'icmp', type: 0, code: 0, id: 78 },
      },
    },
  ],
  [
    'IPv6 behind a masquerade',
    {
      ...masqueraded(1),
      original: ports(6, address(0xfd, ...zeros, 2), 4000, address(0x20, ...zeros, 80), 443),
      reply: ports(6, address(0x20, ...zeros, 80), 443, address(0x20, ...zeros, 1), 20_001),
    },
  ],
  [
    'an IPv6 ping',
    {
      ...plainUdp(1),
      original: {
        source: address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        destination: address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
        protocol: 58,
        layer4: { kind: 'icmp', type: 128, code: 0, id: 9 },
      },
      reply: {
        source: address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
        destination: address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        protocol: 58,
        layer4: { kind: 'icmp', type: 129, code: 0, id: 9 },
      },
    },
  ],
  [
    'an SCTP association in a zone',
    {
      ...plainUdp(1),
      original: ports(132, address(10, 0, 0, 2), 1000, address(192, 0, 2, 80), 2000),
      reply: ports(132, address(192, 0, 2, 80), 2000, address(10, 0, 0, 2), 1000),
      zone: 7,
      sctp: { state: 4, originalTag: 0x01020304, replyTag: 0xfffefdfc },
    },
  ],
  ['a zone of one direction', { ...masqueraded(50_000), zone: 9, zoneDirection: 'original' }],
  [
    'OSPF',
    {
      ...plainUdp(1),
      original: { ...plainUdp(1).original, protocol: 89, layer4: null },
      reply: { ...plainUdp(1).reply, protocol: 89, layer4: null },
    },
  ],
  [
    'sequence numbers that a helper moved',
    {
      ...masqueraded(41_000),
      shifts: {
        original: { position: 100, before: 0, after: -3 },
        reply: { position: 0xfffffff0, before: 2, after: 5 },
      },
    },
  ],
];
