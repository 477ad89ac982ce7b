// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  cellBytes,
  decodeGossip,
  encodeGossip,
  FLOORS_MAX,
  GOSSIP_BYTES_MAX,
  type GossipMessage,
  OCTETS_MAX,
  REPLICAS_MAX,
} from '@vnfpool/wire/gossip';
import { describe, expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

describe.each(VECTORS)('$name', ({ hex, message }) => {
  const bytes = fromHex(hex);

  test('is written', () => expect(toHex(encodeGossip(message))).toBe(toHex(bytes)));
  test('is read', () => expect(decodeGossip(bytes)).toEqual(message));

  test('every cut is refused', () => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => decodeGossip(bytes.subarray(0, length)), `${length} octets`).toThrow(WireError);
  });

  test('an octet behind it is refused', () =>
    expect(() => decodeGossip(Uint8Array.of(...bytes, 0))).toThrow(WireError));
});

const HEAD = '5647 02 02 00000007 0000000000000002';
const ONE = '0001 00000007 0000000000000002 0000000000000003 0000 00 00';
const COUNTER = '01 0001 61 0000 0001 00 0000000000000001 0000000000000001 0000000000000000';

describe('refused', () => {
  test.each([
    ['another magic', '5648 01 03 00000007 0000000000000002', 'unknown'],
    ['a former version', '5647 01 03 00000007 0000000000000002', 'unknown'],
    ['an unknown type', '5647 02 06 00000007 0000000000000002', 'unknown'],
    [
      'a replica twice',
      '5647 02 01 00000007 0000000000000002 0002 00000007 0000000000000002 0000000000000003 00000007 0000000000000002 0000000000000004 0000 00 00',
      'duplicate',
    ],
    ['more replicas than a message lists', `${HEAD} 0101`, 'limit'],
    ['more floors than a message lists', `${HEAD} 0000 0081`, 'limit'],
    [
      'a version beyond 2^53 - 1',
      `${HEAD} 0001 00000007 0000000000000002 0020000000000000 0000 00 00`,
      'value',
    ],
    ['neither yes nor no', `${HEAD} 0000 0000 00 02`, 'value'],
    ['a digest that is neither there nor not', `${HEAD} 0000 0000 02`, 'value'],
    ['a cell of an unknown kind', `${HEAD} ${ONE} 0001 04`, 'unknown'],
    ['a cell without a place', `${HEAD} ${ONE} 0001 00`, 'missing'],
    ['a key that is too long', `${HEAD} ${ONE} 0001 01 0401`, 'limit'],
    ['an entry of no replica', `${HEAD} ${ONE} 0001 01 0001 61 0000 0001 01 0000000000000001`, 'value'],
    ['a step of version 0', `${HEAD} ${ONE} 0001 01 0001 61 0001 00 0000000000000000`, 'value'],
    [
      'two entries of one replica',
      `${HEAD} ${ONE} 0001 03 0001 61 0000 0000 0002 00 0000000000000001 00 0000000000000002`,
      'duplicate',
    ],
    [
      'a time beyond its end',
      `${HEAD} ${ONE} 0001 02 0001 61 0000 0001 00 0000000000000001 8000000000000000 0000`,
      'value',
    ],
    ['a run of no replica', `${HEAD} ${ONE} 0001 ${COUNTER} 0001 01 0000000000000000 0001 0000`, 'value'],
    ['a run without steps', `${HEAD} ${ONE} 0001 ${COUNTER} 0001 00 0000000000000000 0000`, 'missing'],
    ['a step in no cell', `${HEAD} ${ONE} 0001 ${COUNTER} 0001 00 0000000000000000 0001 0001`, 'value'],
    ['a run beyond 2^53 - 1', `${HEAD} ${ONE} 0001 ${COUNTER} 0001 00 001fffffffffffff 0001 0000`, 'value'],
  ])('%s', (_, hex, code) => {
    expect(() => decodeGossip(fromHex(hex))).toThrow(expect.objectContaining({ name: 'WireError', code }));
  });

  test('a message that is too long', () => {
    expect(() => decodeGossip(new Uint8Array(GOSSIP_BYTES_MAX + 1))).toThrow(WireError);
  });
});

describe('never written', () => {
  const sender = { origin: 1, incarnation: 1n };
  const replicas = [{ ...sender, version: 1 }];
  const part = (cell: object, more: object = {}): GossipMessage =>
    ({
      type: 'part',
      sender,
      replicas,
      floors: [],
      after: null,
      until: null,
      cells: [
        {
          kind: 'element',
          key: new Uint8Array(1),
          element: new Uint8Array(0),
          seen: [],
          entries: [],
          ...cell,
        },
      ],
      ...more,
    }) as GossipMessage;
  const entry = { replica: 0, version: 1, value: { kind: 'element' } };
  const register = {
    replica: 0,
    version: 1,
    value: { kind: 'register', time: 1n, value: new Uint8Array(1) },
  };

  test.each([
    ['a key that is too long', part({ key: new Uint8Array(OCTETS_MAX + 1) })],
    ['a register with an element', part({ kind: 'register', element: new Uint8Array(1) })],
    ['a value of another kind', part({ entries: [register] })],
    ['an entry of no replica', part({ entries: [{ ...entry, replica: 1 }] })],
    ['two entries of one replica', part({ entries: [entry, entry] })],
    ['a version that is no number', part({ entries: [{ ...entry, version: 0.5 }] })],
    ['a step of version 0', part({ seen: [{ replica: 0, version: 0 }] })],
    [
      'too many replicas',
      part({}, { replicas: Array.from({ length: REPLICAS_MAX + 1 }, () => replicas[0]) }),
    ],
    [
      'too many floors',
      part({}, { floors: Array.from({ length: FLOORS_MAX + 1 }, () => ({ ...sender, heir: replicas[0] })) }),
    ],
    [
      'more than a message holds',
      part(
        {},
        {
          cells: Array.from({ length: 60 }, () => ({
            kind: 'register',
            key: new Uint8Array(OCTETS_MAX),
            element: new Uint8Array(0),
            seen: [],
            entries: [],
          })),
        },
      ),
    ],
  ])('%s', (_, message) => expect(() => encodeGossip(message)).toThrow(WireError));

  test('but the length of a cell is known before', () => {
    for (const { message } of VECTORS) {
      if (message.type !== 'delta') continue;
      const without = encodeGossip({ ...message, cells: [], runs: [] }).length;
      const cells = encodeGossip({ ...message, runs: [] }).length - without;
      expect(message.cells.reduce((sum, cell) => sum + cellBytes(cell), 0)).toBe(cells);
    }
  });
});
