// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '@vnfpool/wire/bytes';
import type { PfsyncKey, PfsyncMessage, PfsyncPeer, PfsyncSection, PfsyncState } from '@vnfpool/wire/pfsync';

/** Octets from annotated hexadecimal digits. */
export function octetsOf(hex: string): Uint8Array {
  return fromHex(hex.replaceAll(/;.*/g, ''));
}

export const CHECKSUM = '00112233445566778899aabbccddeeff';

const client: PfsyncPeer = {
  scrub: { flags: 0x0001, ttl: 64, flag: 1, timestampModulator: 0x01020304 },
  sequenceLow: 0x11111111,
  sequenceHigh: 0x22222222,
  sequenceDifference: 0x33333333,
  windowMax: 0xffff,
  segmentBytesMax: 1460,
  state: 4,
  windowScale: 0x87,
};
const CLIENT = '0001 40 01 01020304 11111111 22222222 33333333 ffff 05b4 04 87 000000000000';

const server: PfsyncPeer = {
  scrub: { flags: 0, ttl: 0, flag: 0, timestampModulator: 0 },
  sequenceLow: 1,
  sequenceHigh: 2,
  sequenceDifference: 0,
  windowMax: 0x1000,
  segmentBytesMax: 0,
  state: 4,
  windowScale: 0,
};
const SERVER = '0000 00 00 00000000 00000001 00000002 00000000 1000 0000 04 00 000000000000';

const behind: PfsyncKey = {
  family: 'ipv4',
  addresses: [fromHex('c6336401'), fromHex('c0000250')],
  ports: [50_001, 443],
  routingDomain: 1,
};

/** Out of em0, its source translated: 10.0.0.2:40000 appears as 198.51.100.1:50001. */
const translated: PfsyncState = {
  id: 0x0123456789abcdefn,
  interfaceName: 'em0',
  wire: behind,
  stack: {
    family: 'ipv4',
    addresses: [fromHex('0a000002'), fromHex('c0000250')],
    ports: [40_000, 443],
    routingDomain: 0,
  },
  source: client,
  destination: server,
  routeAddress: fromHex('c6336402 00000000 00000000 00000000'),
  rule: 7,
  anchor: null,
  natRule: null,
  ageSeconds: 60,
  expireSeconds: 86_400,
  forwardPackets: 10n,
  reversePackets: 0x0000_0001_0000_0002n,
  forwardBytes: 1000n,
  reverseBytes: 2n ** 64n - 1n,
  creatorId: 0xcafe0001,
  routingTables: [0, -1],
  segmentBytesMax: 1400,
  family: 'ipv4',
  protocol: 6,
  direction: 2,
  log: 1,
  route: 3,
  timeout: 2,
  syncFlags: 4,
  updates: 5,
  ttlMin: 6,
  tos: 8,
  stateFlags: 0x0102,
  priorities: [3, 4],
};
const TRANSLATED = `
  0123456789abcdef 656d3000000000000000000000000000
  c6336401 000000000000000000000000 c0000250 000000000000000000000000 c351 01bb 0001 02 00
  0a000002 000000000000000000000000 c0000250 000000000000000000000000 9c40 01bb 0000 02 00
  ${CLIENT}
  ${SERVER}
  c6336402000000000000000000000000
  00000007 ffffffff ffffffff 0000003c 00015180
  000000000000000a 0000000100000002 00000000000003e8 ffffffffffffffff
  cafe0001 00000000 ffffffff 0578
  02 06 02 01 03 02 04 05 06 08 0102 03 04`;

const open6: PfsyncKey = {
  family: null,
  addresses: [fromHex('20010db8000000000000000000000001'), fromHex('20010db8000000000000000000000002')],
  ports: [0x1234, 128],
  routingDomain: 0,
};

/** An echo request of IPv6 whose keys leave the family to the state. */
const ping6: PfsyncState = {
  ...translated,
  id: 2n,
  interfaceName: 'all',
  wire: open6,
  stack: { ...open6, family: 'ipv6' },
  source: { ...server, state: 0 },
  destination: server,
  routeAddress: new Uint8Array(16),
  rule: null,
  anchor: 1,
  natRule: 2,
  family: 'ipv6',
  protocol: 58,
  direction: 1,
};
const PING6 = `
  0000000000000002 616c6c00000000000000000000000000
  20010db8000000000000000000000001 20010db8000000000000000000000002 1234 0080 0000 00 00
  20010db8000000000000000000000001 20010db8000000000000000000000002 1234 0080 0000 18 00
  0000 00 00 00000000 00000001 00000002 00000000 1000 0000 00 00 000000000000
  ${SERVER}
  00000000000000000000000000000000
  ffffffff 00000001 00000002 0000003c 00015180
  000000000000000a 0000000100000002 00000000000003e8 ffffffffffffffff
  cafe0001 00000000 ffffffff 0578
  18 3a 01 01 03 02 04 05 06 08 0102 03 04`;

const STATE_IDS = '0123456789abcdef cafe0001 0000000000000002 00000002';
const stateIds = [
  { id: 0x0123456789abcdefn, creatorId: 0xcafe0001 },
  { id: 2n, creatorId: 2 },
];

const esp = {
  spi: 0x00001001,
  destination: fromHex('c6336401'),
  port: 0,
  flowInformation: 0,
  scope: null,
  replayCounter: 0x0102030405060708n,
  bytes: 9n,
  protocol: 50,
  updates: 1,
  routingDomain: 2,
};

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly message: PfsyncMessage;
}

/** `octets`: of the whole datagram, counted by hand. */
function vector(name: string, octets: string, body: string, ...sections: PfsyncSection[]): Vector {
  return {
    name,
    hex: `06 00 ${octets} ${CHECKSUM} ${body}`,
    message: { rulesChecksum: fromHex(CHECKSUM), sections },
  };
}

/** Datagrams put together by hand from the layout, one of each action at least. */
export const VECTORS: readonly Vector[] = [
  vector('nothing', '0014', ''),
  vector(
    'CLR of an interface and of all',
    '0040',
    `00 05 0002 656d3000000000000000000000000000 cafe0001 ${'00'.repeat(16)} 00000002`,
    {
      type: 'clear',
      items: [
        { interfaceName: 'em0', creatorId: 0xcafe0001 },
        { interfaceName: '', creatorId: 2 },
      ],
    },
  ),
  vector('INS of two states', '0228', `0d 42 0002 ${TRANSLATED} ${PING6}`, {
    type: 'insert',
    items: [translated, ping6],
  }),
  vector('INS_ACK', '0030', `02 03 0002 ${STATE_IDS}`, { type: 'insert-ack', items: stateIds }),
  vector('UPD', '0120', `0e 42 0001 ${TRANSLATED}`, { type: 'update', items: [translated] }),
  vector('UPD_C', '006c', `04 15 0001 0123456789abcdef ${CLIENT} ${SERVER} cafe0001 0000000a 02 03 0000`, {
    type: 'update-compressed',
    items: [
      {
        id: 0x0123456789abcdefn,
        source: client,
        destination: server,
        creatorId: 0xcafe0001,
        expireSeconds: 10,
        timeout: 2,
        stateFlags: 3,
      },
    ],
  }),
  vector('UPD_REQ of everything', '0024', '05 03 0001 0000000000000000 00000000', {
    type: 'update-request',
    items: [{ id: 0n, creatorId: 0 }],
  }),
  vector('DEL', '0120', `06 42 0001 ${PING6}`, { type: 'delete', items: [ping6] }),
  vector('DEL_C', '0030', `07 03 0002 ${STATE_IDS}`, { type: 'delete-compressed', items: stateIds }),
  vector('BUS, start and end', '0030', '0a 03 0002 cafe0001 00000005 01 000000 cafe0001 0000000a 02 000000', {
    type: 'bulk-status',
    items: [
      { creatorId: 0xcafe0001, endSeconds: 5, status: 'start' },
      { creatorId: 0xcafe0001, endSeconds: 10, status: 'end' },
    ],
  }),
  vector(
    'TDB of IPv4 and IPv6',
    '0080',
    `0f 0d 0002
      00001001 10 02 0000 c6336401 0000000000000000 000000000000000000000000
        0102030405060708 0000000000000009 32 01 0002
      00001002 1c 18 01f4 00000003 fe800000000000000000000000000001 02000000
        0102030405060708 0000000000000009 33 01 0002`,
    {
      type: 'tdb',
      items: [
        esp,
        {
          ...esp,
          spi: 0x1002,
          destination: fromHex('fe800000000000000000000000000001'),
          port: 500,
          flowInformation: 3,
          scope: fromHex('02000000'),
          protocol: 51,
        },
      ],
    },
  ),
  vector(
    'the old TDB',
    '0048',
    `0b 0c 0001 00001001 10 02 0000 c6336401 0000000000000000 000000000000000000000000
       01020304 0000000000000009 32 01 0002`,
    { type: 'tdb-old', items: [{ ...esp, replayCounter: 0x01020304n }] },
  ),
  vector(
    'what has no items here: old INS and UPD, fragments, EOF, an action of tomorrow',
    '0044',
    `01 01 0001 00000001  ; old INS
     03 02 0001 0000000200000003
     08 01 0001 00000004
     09 01 0000
     0c 00 0001  ; EOF had no length
     10 01 0002 0000000500000006`,
    { type: 'opaque', action: 1, itemBytes: 4, count: 1, octets: fromHex('00000001') },
    { type: 'opaque', action: 3, itemBytes: 8, count: 1, octets: fromHex('0000000200000003') },
    { type: 'opaque', action: 8, itemBytes: 4, count: 1, octets: fromHex('00000004') },
    { type: 'opaque', action: 9, itemBytes: 4, count: 0, octets: new Uint8Array() },
    { type: 'opaque', action: 12, itemBytes: 0, count: 1, octets: new Uint8Array() },
    { type: 'opaque', action: 16, itemBytes: 4, count: 2, octets: fromHex('0000000500000006') },
  ),
  vector(
    'items of another length, and known ones behind them',
    '003c',
    `0d 04 0001 ${'ab'.repeat(16)}
     02 00 0000
     02 03 0001 0000000000000002 00000002`,
    { type: 'opaque', action: 13, itemBytes: 16, count: 1, octets: fromHex('ab'.repeat(16)) },
    { type: 'opaque', action: 2, itemBytes: 0, count: 0, octets: new Uint8Array() },
    { type: 'insert-ack', items: [{ id: 2n, creatorId: 2 }] },
  ),
];

export { PING6, TRANSLATED, translated };
