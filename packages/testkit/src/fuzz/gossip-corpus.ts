// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { encodeGossip, encodePoolGossip, type GossipCell, type GossipMessage } from '@vnfpool/wire/gossip';

const sender = { origin: 101, incarnation: 3n };
const nothing = new Uint8Array(0);
const knowledge = {
  sender,
  replicas: [
    { ...sender, version: 12 },
    { origin: 102, incarnation: 0x18c0_0000n, version: 2 ** 40 },
    { origin: 103, incarnation: 1n, version: 0 },
  ],
  floors: [{ origin: 99, incarnation: 7n, heir: { ...sender, version: 4 } }],
};

const cells: readonly GossipCell[] = [
  {
    kind: 'counter',
    key: encodeUtf8('calls'),
    element: nothing,
    seen: [{ replica: 2, version: 9 }],
    entries: [
      { replica: 0, version: 11, value: { kind: 'counter', plus: 2 ** 33, minus: 4 } },
      { replica: 1, version: 7, value: { kind: 'counter', plus: 1, minus: 0 } },
    ],
  },
  {
    kind: 'register',
    key: encodeUtf8('limit'),
    element: nothing,
    seen: [],
    entries: [
      {
        replica: 1,
        version: 2 ** 40,
        value: { kind: 'register', time: 0x18c_0000_0000_0001n, value: encodeUtf8('300') },
      },
    ],
  },
  {
    kind: 'element',
    key: encodeUtf8('blocked'),
    element: encodeUtf8('192.0.2.7'),
    seen: [],
    entries: [{ replica: 0, version: 12, value: { kind: 'element' } }],
  },
  { kind: 'element', key: encodeUtf8('blocked'), element: nothing, seen: [], entries: [] },
];
const place = { kind: 'element' as const, key: encodeUtf8('blocked'), element: encodeUtf8('192.0.2.7') };

const messages: readonly GossipMessage[] = [
  { type: 'digest', ...knowledge, digest: 0x89ab_cdef_0123_4567n, wantsAnswer: true },
  { type: 'digest', ...knowledge, floors: [], digest: null, wantsAnswer: false },
  {
    type: 'delta',
    ...knowledge,
    digest: 2n ** 64n - 1n,
    hasMore: true,
    cells,
    runs: [
      { replica: 0, from: 9, steps: [3, 0, 2] },
      { replica: 1, from: 2 ** 40 - 1, steps: [1] },
    ],
  },
  { type: 'behind', sender },
  { type: 'request', sender, after: null },
  { type: 'request', sender, after: place },
  { type: 'part', ...knowledge, after: null, until: place, cells },
  { type: 'part', ...knowledge, floors: [], after: place, until: null, cells: [] },
];

/** Messages of gossip of each type. */
export const GOSSIP_MESSAGES: readonly Uint8Array[] = messages.map(encodeGossip);

/** The same with the pools that they are of. */
export const POOL_FRAMES: readonly Uint8Array[] = GOSSIP_MESSAGES.map((message, at) =>
  encodePoolGossip({ pool: at % 2 === 0 ? 'kv' : 'größe', message }),
);
