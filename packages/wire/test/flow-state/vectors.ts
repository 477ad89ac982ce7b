// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '@vnfpool/wire/bytes';
import type { FlowEntry, FlowRecord } from '@vnfpool/wire/flow-state';

/** An entry with nothing optional. */
const BARE = {
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

const download: FlowEntry = {
  ...BARE,
  original: {
    source: fromHex('0a000002'),
    destination: fromHex('c0000250'),
    protocol: 6,
    layer4: { kind: 'ports', source: 40_000, destination: 80 },
  },
  reply: {
    source: fromHex('c0000250'),
    destination: fromHex('c6336401'),
    protocol: 6,
    layer4: { kind: 'ports', source: 80, destination: 40_000 },
  },
  status: 0x19e,
  timeoutSeconds: 432_000,
  mark: 42,
  tcp: { state: 3, originalScale: 7, replyScale: 9, originalFlags: 0x23, replyFlags: 0x22 },
};

const everything: FlowEntry = {
  original: {
    source: fromHex('20010db8000000000000000000000001'),
    destination: fromHex('20010db8000000000000000000000002'),
    protocol: 132,
    layer4: { kind: 'ports', source: 1000, destination: 2000 },
  },
  reply: {
    source: fromHex('20010db8000000000000000000000003'),
    destination: fromHex('20010db8000000000000000000000004'),
    protocol: 132,
    layer4: { kind: 'ports', source: 2001, destination: 1001 },
  },
  status: 0xffff,
  timeoutSeconds: 0xffffffff,
  zone: 7,
  zoneDirection: 'original',
  mark: 0xffffffff,
  tcp: null,
  sctp: { state: 4, originalTag: 0x01020304, replyTag: 0xfffefdfc },
  helper: 'ftp',
  labels: fromHex('8000000000000000 0000000000000001'),
  master: {
    source: fromHex('0a000001'),
    destination: fromHex('0a000002'),
    protocol: 6,
    layer4: { kind: 'ports', source: 1, destination: 21 },
  },
  shifts: {
    original: { position: 1, before: -1, after: 2 },
    reply: { position: 0xffffffff, before: 0, after: -2 },
  },
  counters: { originalPackets: 1n, originalBytes: 2n, replyPackets: 3n, replyBytes: 2n ** 64n - 1n },
};

const ping: FlowEntry = {
  ...BARE,
  original: {
    source: fromHex('0a000002'),
    destination: fromHex('0a000003'),
    protocol: 1,
    layer4: { kind: 'icmp', type: 8, code: 0, id: 0x1234 },
  },
  reply: {
    source: fromHex('0a000003'),
    destination: fromHex('0a000002'),
    protocol: 1,
    layer4: { kind: 'icmp', type: 0, code: 0, id: 0x1234 },
  },
  status: 0,
  timeoutSeconds: 30,
};

/** Streams, each worked out by hand from the layouts in stream.ts, record-codec.ts, tuple-codec.ts and fields.ts. */
export const STREAMS: readonly { name: string; hex: string; records: readonly FlowRecord[] }[] = [
  { name: 'nothing', hex: '56464c01 0009 03 00000000 00000000', records: [] },
  {
    name: 'a TCP flow behind a masquerade',
    hex: `56464c01
      0026 01
        14 06 019e 00069780  ; IPv4 with ports, the reply has a destination of its own; TCP
        0a000002 c0000250 9c40 0050
        c6336401
        02 04 0000002a  ; mark
        03 05 03 07 09 23 22  ; TCP: established
      0009 03 00000001 00000000`.replaceAll(/;.*/g, ''),
    records: [{ kind: 'flow', entry: download }],
  },
  {
    name: 'a data connection that FTP announced',
    hex: `56464c01
      0062 81
        00000001 00000002 0000012c 0007  ; flags, class, seconds, zone
        10 06 c0000250 c6336401 0000 0fb5
        10 06 ffffffff ffffffff 0000 ffff
        10 06 0a000002 c0000250 9c40 0050
        01 03 667470
        02 0f 01 10 06 0a000002 00000000 0fb5 0000  ; of the reply
        03 11 6e61742d666f6c6c6f772d6d6173746572
      0009 03 00000000 00000000`.replaceAll(/;.*/g, ''),
    records: [
      {
        kind: 'expectation',
        expectation: {
          flags: 1,
          class: 2,
          timeoutSeconds: 300,
          zone: 7,
          tuple: {
            source: fromHex('c0000250'),
            destination: fromHex('c6336401'),
            protocol: 6,
            layer4: { kind: 'ports', source: 0, destination: 4021 },
          },
          mask: {
            source: fromHex('ffffffff'),
            destination: fromHex('ffffffff'),
            protocol: 6,
            layer4: { kind: 'ports', source: 0, destination: 0xffff },
          },
          master: download.original,
          helper: 'ftp',
          translation: {
            isReply: true,
            tuple: {
              source: fromHex('0a000002'),
              destination: fromHex('00000000'),
              protocol: 6,
              layer4: { kind: 'ports', source: 4021, destination: 0 },
            },
          },
          function: 'nat-follow-master',
        },
      },
    ],
  },
  {
    name: 'an IPv6 flow with all fields',
    hex: `56464c01
      00ca 01
        1f 84 ffff ffffffff
        20010db8000000000000000000000001 20010db8000000000000000000000002 03e8 07d0
        20010db8000000000000000000000003 20010db8000000000000000000000004 07d1 03e9
        01 03 0007 01
        02 04 ffffffff
        04 09 04 01020304 fffefdfc
        05 03 667470
        06 10 80000000000000000000000000000001
        07 0e 10 06 0a000001 0a000002 0001 0015
        08 18 00000001 ffffffff 00000002 ffffffff 00000000 fffffffe
        80 20 0000000000000001 0000000000000002 0000000000000003 ffffffffffffffff
      0009 03 00000001 00000000`,
    records: [{ kind: 'flow', entry: everything }],
  },
  {
    name: 'a ping, whose answer has another type, and a flow that is gone',
    hex: `56464c01
      0015 01 20 01 0000 0000001e 0a000002 0a000003 08 00 1234
      002c 02 21 3a 20010db8000000000000000000000001 20010db8000000000000000000000002 80 00 1234 01 03 0007 00
      0009 03 00000001 00000001`,
    records: [
      { kind: 'flow', entry: ping },
      {
        kind: 'gone',
        key: {
          original: {
            source: fromHex('20010db8000000000000000000000001'),
            destination: fromHex('20010db8000000000000000000000002'),
            protocol: 58,
            layer4: { kind: 'icmp', type: 128, code: 0, id: 0x1234 },
          },
          zone: 7,
          zoneDirection: 'both',
        },
      },
    ],
  },
  {
    name: 'OSPF, which has nothing above IP that is tracked',
    hex: '56464c01 0011 01 00 59 0008 00000258 0a000002 e0000005 0009 03 00000001 00000000',
    records: [
      {
        kind: 'flow',
        entry: {
          ...BARE,
          original: {
            source: fromHex('0a000002'),
            destination: fromHex('e0000005'),
            protocol: 89,
            layer4: null,
          },
          reply: {
            source: fromHex('e0000005'),
            destination: fromHex('0a000002'),
            protocol: 89,
            layer4: null,
          },
          status: 8,
          timeoutSeconds: 600,
        },
      },
    ],
  },
];

export { download, everything, ping };
