// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  type LeaseHeader,
  type LeaseMessage,
} from '@vnfpool/wire/lease';
import { describe, expect, test } from 'vitest';

const HEADER: LeaseHeader = {
  sender: 1,
  receiver: 2,
  incarnation: 3n,
  sequence: 4n,
  councilId: 8,
  council: { generation: 5, number: 6, randomId: '00000000000000c0' },
  clockUs: 7n,
};
const HEADER_HEX = `
  00000001 00000002 0000000000000003 0000000000000004
  08000005 00000006 00000000000000c0 0000000000000007`;

/** Written by hand from the layout. */
const VECTORS: readonly (readonly [string, LeaseMessage, string])[] = [
  [
    'renew',
    { type: 'renew', slot: '00000000000000a1', serial: 9, round: 2 ** 32 + 1 },
    '05 0014 00000000000000a1 00000009 01 00000001',
  ],
  [
    'accepted',
    { type: 'accepted', slot: '00000000000000a1', serial: 9, round: 1, incarnation: 3n },
    '04 001c 00000000000000a1 00000009 00 00000001 0000000000000003',
  ],
  [
    'refuse without a value, 1.5 ms left',
    {
      type: 'refuse',
      slot: '00000000000000a1',
      serial: 9,
      round: 1,
      incarnation: 3n,
      reason: 'mute',
      promised: 2,
      timeLeftMs: 1.5,
      accepted: null,
    },
    '07 0027 00000000000000a1 00000009 00 00000001 0000000000000003 04 00 00000002 000005dc 00',
  ],
  [
    'fetch',
    { type: 'fetch', slot: '00000000000000a1', serial: 9, round: 0 },
    '0f 0014 00000000000000a1 00000009 00 00000000',
  ],
  [
    'register of a member that has none',
    {
      type: 'register',
      slot: '00000000000000a1',
      serial: 9,
      round: 0,
      incarnation: 3n,
      stored: null,
      timeLeftMs: 0,
    },
    '10 0021 00000000000000a1 00000009 00 00000000 0000000000000003 00000000 00',
  ],
  [
    'register with a promise that was released, 1.5 ms left',
    {
      type: 'register',
      slot: '00000000000000a1',
      serial: 9,
      round: 0,
      incarnation: 3n,
      stored: {
        promised: { round: 7, proposer: { node: 2, incarnation: 8n }, closed: true },
        accepted: {
          round: 5,
          proposer: { node: 1, incarnation: 4n },
          released: null,
          value: {
            holder: { node: 1, functionId: 16, functionIncarnation: 6n },
            candidates: [],
            lastResort: { rule: 'never' },
            lossMark: false,
            leaseMs: 300,
            randomId: '00000000000000ff',
          },
        },
        longestLeaseMs: 300,
      },
      timeLeftMs: 1.5,
    },
    `10 006c 00000000000000a1 00000009 00 00000000 0000000000000003 000005dc
     01 00 00000005 00000001 0000000000000004 00
     00000001 00000010 0000000000000006 00 00 00000000 00 000493e0 00000000000000ff
     00 00000007 00000002 0000000000000008 01 000493e0`,
  ],
  [
    'release with a successor',
    {
      type: 'release',
      slot: '00000000000000a1',
      serial: 9,
      round: 1,
      reason: 'handover',
      successor: {
        proposer: { node: 2, incarnation: 8n },
        round: 2,
      },
    },
    `08 0027 00000000000000a1 00000009 00 00000001 02 01
     00000002 0000000000000008 00 00000002`,
  ],
  [
    'renew many',
    {
      type: 'renew-many',
      serial: 9,
      renewals: [
        { slot: '00000000000000a1', round: 1 },
        { slot: 'fedcba9876543210', round: 2 ** 32 },
      ],
    },
    '0c 0022 00000009 02 00000000000000a1 00 00000001 fedcba9876543210 01 00000000',
  ],
  ['renew again', { type: 'renew-again', serial: 300, list: 9 }, '16 000b 0000012c 00000009'],
  [
    'renewed many, the first and the ninth',
    {
      type: 'renewed-many',
      serial: 9,
      incarnation: 3n,
      renewed: [true, ...Array<boolean>(7).fill(false), true],
    },
    '0d 0012 00000009 0000000000000003 09 80 80',
  ],
];

test.each(VECTORS)('%s', (_, message, hex) => {
  const bytes = fromHex(`564c 01 01 ${HEADER_HEX} ${hex}`);
  expect(toHex(encodeLeaseDatagram(HEADER, [message]))).toBe(toHex(bytes));
  expect(decodeLeaseDatagram(bytes)).toEqual({ header: HEADER, messages: [message] });
});

describe('refuses', () => {
  const renew = '05 0014 00000000000000a1 00000009 00 00000001';
  test.each([
    ['another magic', `574c 01 01 ${HEADER_HEX} ${renew}`, 'unknown'],
    ['another version', `564c 02 01 ${HEADER_HEX} ${renew}`, 'unknown'],
    ['no messages', `564c 01 00 ${HEADER_HEX}`, 'missing'],
    ['fewer messages than counted', `564c 01 02 ${HEADER_HEX} ${renew}`, 'short'],
    ['octets behind the last message', `564c 01 01 ${HEADER_HEX} ${renew} 00`, 'trailing'],
    [
      'an unknown message',
      `564c 01 01 ${HEADER_HEX} ff 0014 00000000000000a1 00000009 00 00000001`,
      'unknown',
    ],
    [
      'a message shorter than its head',
      `564c 01 01 ${HEADER_HEX} 05 0013 00000000000000a1 00000009 00 000001`,
      'length',
    ],
    [
      'a message longer than its body',
      `564c 01 01 ${HEADER_HEX} 05 0015 00000000000000a1 00000009 00 00000001 00`,
      'trailing',
    ],
    [
      'an unknown reason',
      `564c 01 01 ${HEADER_HEX} 08 0016 00000000000000a1 00000009 00 00000001 09 00`,
      'unknown',
    ],
    [
      'a flag that is neither 0 nor 1',
      `564c 01 01 ${HEADER_HEX} 08 0016 00000000000000a1 00000009 00 00000001 02 02`,
      'value',
    ],
    ['renewals of no slot', `564c 01 01 ${HEADER_HEX} 0c 0008 00000009 00`, 'limit'],
    ['renewals of more slots than fit', `564c 01 01 ${HEADER_HEX} 0c 0008 00000009 51`, 'limit'],
    [
      'fewer renewals than counted',
      `564c 01 01 ${HEADER_HEX} 0c 0015 00000009 02 00000000000000a1 00 00000001`,
      'short',
    ],
    [
      'a bit behind the last slot',
      `564c 01 01 ${HEADER_HEX} 0d 0011 00000009 0000000000000003 01 c0`,
      'value',
    ],
    ['more than 1,184 octets', '00'.repeat(1185), 'limit'],
  ])('%s', (_, hex, code) => {
    expect(() => decodeLeaseDatagram(fromHex(hex))).toThrow(expect.objectContaining({ code }) as WireError);
  });

  test('to encode a round beyond 40 bits', () => {
    const message: LeaseMessage = { type: 'renew', slot: '00000000000000a1', serial: 1, round: 2 ** 40 };
    expect(() => encodeLeaseDatagram(HEADER, [message])).toThrow(WireError);
  });
});

test('ids that have the same place among those that are remembered stay apart', () => {
  const slots = ['0000000100000000', '0000000200000000', '0000000100000000'];
  const renewals = slots.map((slot, round) => ({ slot, round }));
  const bytes = encodeLeaseDatagram(HEADER, [{ type: 'renew-many', serial: 9, renewals }]);
  expect(decodeLeaseDatagram(bytes).messages).toEqual([{ type: 'renew-many', serial: 9, renewals }]);
});

test('times are written as microseconds, rounded up', () => {
  const message: LeaseMessage = {
    type: 'refuse',
    slot: '00000000000000a1',
    serial: 1,
    round: 1,
    incarnation: 1n,
    reason: 'leased',
    promised: 1,
    accepted: null,
    timeLeftMs: 0.0101,
  };
  const [decoded] = decodeLeaseDatagram(encodeLeaseDatagram(HEADER, [message])).messages;
  expect(decoded).toMatchObject({ timeLeftMs: 0.011 });
});

test.each([
  ['number 0', { councilId: 0 }],
  ['number 256', { councilId: 256 }],
  ['a generation that no epoch has room for', { council: { ...HEADER.council, generation: 2 ** 24 } }],
])('a council with %s has no form', (_name, change) => {
  const message: LeaseMessage = { type: 'clock', wantsAnswer: true };
  expect(() => encodeLeaseDatagram({ ...HEADER, ...change }, [message])).toThrow(WireError);
});

test('a datagram of council 0 is refused', () => {
  const bytes = encodeLeaseDatagram(HEADER, [{ type: 'clock', wantsAnswer: true }]);
  bytes[28] = 0;
  expect(() => decodeLeaseDatagram(bytes)).toThrow('a council without a number');
});
