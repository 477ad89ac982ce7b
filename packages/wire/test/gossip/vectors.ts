// SPDX-License-Identifier: Apache-2.0
import type { GossipMessage } from '@vnfpool/wire/gossip';

const sender = { origin: 7, incarnation: 2n };
const replicas = [
  { origin: 7, incarnation: 2n, version: 3 },
  { origin: 9, incarnation: 1n, version: 0x1_0000_0001 },
];
const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const HEADER = (type: string): string => `5647 02 ${type} 00000007 0000000000000002`;
const VECTOR = `0002
  00000007 0000000000000002 0000000000000003
  00000009 0000000000000001 0000000100000001`;

/** Written down by hand from the layouts in the codec. */
export const VECTORS: readonly {
  readonly name: string;
  readonly hex: string;
  readonly message: GossipMessage;
}[] = [
  {
    name: 'a digest that wants an answer, with an origin that is gone',
    hex: `${HEADER('01')} ${VECTOR}
      0001 00000003 0000000000000005 00000007 0000000000000002 0000000000000001
      01 fedcba9876543210 01`,
    message: {
      type: 'digest',
      sender,
      replicas,
      floors: [{ origin: 3, incarnation: 5n, heir: { origin: 7, incarnation: 2n, version: 1 } }],
      digest: 0xfedc_ba98_7654_3210n,
      wantsAnswer: true,
    },
  },
  {
    name: 'a digest of somebody who knows nothing',
    hex: `${HEADER('01')} 0000 0000 00 00`,
    message: { type: 'digest', sender, replicas: [], floors: [], digest: null, wantsAnswer: false },
  },
  {
    name: 'a delta of a counter, a register and an element, with one removed',
    hex: `${HEADER('02')} ${VECTOR} 0000 01 0000000000000007 01
      0004
      01 0001 61 0000 0001 00 0000000000000001 0000000000000011 0000000000000002
      02 0001 62 0000 0001 01 0000000100000001 0000000000010002 0003 78797a
      03 0001 63 0002 7831 0000 0002 00 0000000000000002 01 0000000000000004
      03 0001 63 0000 0001 01 0000000000000009 0000
      0001 00 0000000000000000 0003 0000 0002 0003`,
    message: {
      type: 'delta',
      sender,
      replicas,
      floors: [],
      digest: 7n,
      hasMore: true,
      cells: [
        {
          kind: 'counter',
          key: octets('a'),
          element: octets(''),
          seen: [],
          entries: [{ replica: 0, version: 1, value: { kind: 'counter', plus: 17, minus: 2 } }],
        },
        {
          kind: 'register',
          key: octets('b'),
          element: octets(''),
          seen: [],
          entries: [
            {
              replica: 1,
              version: 0x1_0000_0001,
              value: { kind: 'register', time: 0x10002n, value: octets('xyz') },
            },
          ],
        },
        {
          kind: 'element',
          key: octets('c'),
          element: octets('x1'),
          seen: [],
          entries: [
            { replica: 0, version: 2, value: { kind: 'element' } },
            { replica: 1, version: 4, value: { kind: 'element' } },
          ],
        },
        {
          kind: 'element',
          key: octets('c'),
          element: octets(''),
          seen: [{ replica: 1, version: 9 }],
          entries: [],
        },
      ],
      runs: [{ replica: 0, from: 0, steps: [0, 2, 3] }],
    },
  },
  { name: 'behind', hex: HEADER('03'), message: { type: 'behind', sender } },
  {
    name: 'a request from the first cell on',
    hex: `${HEADER('04')} 00`,
    message: { type: 'request', sender, after: null },
  },
  {
    name: 'a request behind an element',
    hex: `${HEADER('04')} 03 0001 63 0002 7831`,
    message: {
      type: 'request',
      sender,
      after: { kind: 'element', key: octets('c'), element: octets('x1') },
    },
  },
  {
    name: 'the last part, with nothing in it',
    hex: `${HEADER('05')} ${VECTOR} 0000 02 0001 62 00 0000`,
    message: {
      type: 'part',
      sender,
      replicas,
      floors: [],
      after: { kind: 'register', key: octets('b'), element: octets('') },
      until: null,
      cells: [],
    },
  },
];
