// SPDX-License-Identifier: Apache-2.0
import {
  encodePfsync,
  type PfsyncKey,
  type PfsyncPeer,
  type PfsyncSection,
  type PfsyncState,
} from '@vnfpool/wire/pfsync';

const peer: PfsyncPeer = {
  scrub: { flags: 1, ttl: 64, flag: 1, timestampModulator: 7 },
  sequenceLow: 1,
  sequenceHigh: 2,
  sequenceDifference: 3,
  windowMax: 0xffff,
  segmentBytesMax: 1460,
  state: 4,
  windowScale: 0x87,
};

const wire: PfsyncKey = {
  family: 'ipv4',
  addresses: [Uint8Array.of(198, 51, 100, 1), Uint8Array.of(192, 0, 2, 80)],
  ports: [50_001, 443],
  routingDomain: 0,
};

const state: PfsyncState = {
  id: 1n,
  creatorId: 2,
  interfaceName: 'em0',
  wire,
  stack: { ...wire, addresses: [Uint8Array.of(10, 0, 0, 2), wire.addresses[1]], ports: [40_000, 443] },
  source: peer,
  destination: { ...peer, state: 3 },
  routeAddress: new Uint8Array(16),
  rule: 1,
  anchor: null,
  natRule: null,
  ageSeconds: 1,
  expireSeconds: 86_400,
  forwardPackets: 1n,
  reversePackets: 2n,
  forwardBytes: 3n,
  reverseBytes: 4n,
  routingTables: [0, -1],
  segmentBytesMax: 0,
  family: 'ipv4',
  protocol: 6,
  direction: 2,
  log: 0,
  route: 0,
  timeout: 2,
  syncFlags: 0,
  updates: 0,
  ttlMin: 0,
  tos: 0,
  stateFlags: 0,
  priorities: [0, 0],
};

const open: PfsyncKey = {
  ...wire,
  family: null,
  addresses: [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)],
};
const state6: PfsyncState = { ...state, wire: open, stack: { ...open, family: 'ipv6' }, family: 'ipv6' };

const ids = [
  { id: 1n, creatorId: 2 },
  { id: 2n ** 64n - 1n, creatorId: 0xffffffff },
];

const association = {
  spi: 0x1001,
  destination: Uint8Array.of(198, 51, 100, 1),
  port: 0,
  flowInformation: 0,
  scope: null,
  replayCounter: 1n,
  bytes: 2n,
  protocol: 50,
  updates: 0,
  routingDomain: 0,
};
const association6 = { ...association, destination: new Uint8Array(16).fill(1), scope: new Uint8Array(4) };

const datagrams: readonly (readonly PfsyncSection[])[] = [
  [],
  [{ type: 'clear', items: [{ interfaceName: 'em0', creatorId: 2 }] }],
  [{ type: 'insert', items: [state] }],
  [{ type: 'update', items: [state6] }],
  [
    { type: 'insert-ack', items: ids },
    { type: 'delete-compressed', items: ids },
    { type: 'update-request', items: [{ id: 0n, creatorId: 0 }] },
    { type: 'bulk-status', items: [{ creatorId: 2, endSeconds: 9, status: 'start' }] },
    { type: 'opaque', action: 1, itemBytes: 8, count: 2, octets: new Uint8Array(16).fill(3) },
    { type: 'bulk-status', items: [{ creatorId: 2, endSeconds: 9, status: 'end' }] },
  ],
  [
    {
      type: 'update-compressed',
      items: [
        {
          id: 1n,
          creatorId: 2,
          source: peer,
          destination: peer,
          expireSeconds: 0,
          timeout: 2,
          stateFlags: 1,
        },
      ],
    },
    { type: 'delete', items: [state] },
  ],
  [
    { type: 'tdb', items: [association, association6] },
    { type: 'tdb-old', items: [association] },
  ],
];

/** Datagrams of pfsync with items of every type. */
export const PFSYNC_DATAGRAMS: readonly Uint8Array[] = datagrams.map((sections) =>
  encodePfsync({ rulesChecksum: new Uint8Array(16).fill(0x5a), sections }),
);
