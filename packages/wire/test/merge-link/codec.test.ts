// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { decodeMerge, encodeMerge, type MergeMessage } from '@vnfpool/wire/merge-link';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

const VECTORS: readonly (readonly [string, MergeMessage, string])[] = [
  [
    'requests',
    {
      type: 'requests',
      first: 7,
      requests: [
        { type: 'count', key: octets('a'), by: -2 },
        { type: 'write', key: octets('a'), value: octets('xy') },
        { type: 'add', key: octets('b'), element: octets('e') },
        { type: 'discard', key: octets('b'), element: octets('') },
        { type: 'remove', key: octets('c') },
        { type: 'read', key: octets('d') },
      ],
    },
    `00000032 01 0000000000000007
     01 000161 fffffffffffffffe
     02 000161 00027879
     03 000162 000165
     04 000162 0000
     05 000163
     06 000164`,
  ],
  [
    'keys',
    {
      type: 'keys',
      keys: [
        {
          key: octets('a'),
          isFirst: true,
          isLast: false,
          counter: 3,
          register: octets('xy'),
          elements: [octets('e')],
        },
        { key: octets('a'), isFirst: false, isLast: true, counter: null, register: null, elements: [] },
      ],
    },
    '0000001c 02 000161 0d 0000000000000003 00027879 0001 000165 000161 02 0000',
  ],
  ['done', { type: 'done', number: 2 ** 40 }, '00000009 03 0000010000000000'],
  ['refused', { type: 'refused', number: 9, reason: 'octets' }, '0000000a 04 0000000000000009 02'],
];

test.each(VECTORS)('%s, octet by octet', (_, message, hex) => {
  const expected = hex.replaceAll(/\s/g, '');
  expect(toHex(encodeMerge(message))).toBe(expected);
  expect(decodeMerge(fromHex(expected))).toEqual(message);
});

describe('refused', () => {
  test.each([
    ['another length', '0000000a 03 0000000000000001'],
    ['a frame without a type', '00000000'],
    ['a frame that is too long', '00020000 03'],
    ['an unknown type', '00000009 05 0000000000000001'],
    ['a request of number 0', '0000000d 01 0000000000000000 05 000161'],
    ['no request', '00000009 01 0000000000000001'],
    ['an unknown request', '0000000d 01 0000000000000001 07 000161'],
    ['a key beyond its bound', `0000040d 01 0000000000000001 05 0401${'61'.repeat(1_025)}`],
    ['a count beyond what a number holds', '00000015 01 0000000000000001 01 000161 0020000000000000'],
    ['an unknown flag', '00000007 02 000161 13 0000'],
    ['fewer elements than told', '00000007 02 000161 03 0001'],
    ['an unknown reason', '0000000a 04 0000000000000009 09'],
    ['octets behind', '0000000a 03 0000000000000001 00'],
  ])('%s', (_, hex) => {
    expect(() => decodeMerge(fromHex(hex.replaceAll(' ', '')))).toThrow(WireError);
  });

  test.each<[string, MergeMessage]>([
    [
      'half a count',
      { type: 'requests', first: 1, requests: [{ type: 'count', key: octets('a'), by: 0.5 }] },
    ],
    ['a long key', { type: 'requests', first: 1, requests: [{ type: 'read', key: new Uint8Array(1_025) }] }],
    ['nothing', { type: 'keys', keys: [] }],
    ['a number below 0', { type: 'done', number: -1 }],
  ])('to write %s', (_, message) => {
    expect(() => encodeMerge(message)).toThrow(WireError);
  });
});

test('what is written is read again', () => {
  const bytes = fc.uint8Array({ maxLength: 30 });
  const whole = fc.maxSafeInteger();
  const number = fc.maxSafeNat();
  const request = fc.oneof(
    fc.record({ type: fc.constant('count' as const), key: bytes, by: whole }),
    fc.record({ type: fc.constant('write' as const), key: bytes, value: bytes }),
    fc.record({ type: fc.constantFrom('add' as const, 'discard' as const), key: bytes, element: bytes }),
    fc.record({ type: fc.constantFrom('remove' as const, 'read' as const), key: bytes }),
  );
  const key = fc.record({
    key: bytes,
    isFirst: fc.boolean(),
    isLast: fc.boolean(),
    counter: fc.option(whole),
    register: fc.option(bytes),
    elements: fc.array(bytes, { maxLength: 4 }),
  });
  const message: fc.Arbitrary<MergeMessage> = fc.oneof(
    fc.record({
      type: fc.constant('requests' as const),
      first: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      requests: fc.array(request, { minLength: 1, maxLength: 5 }),
    }),
    fc.record({ type: fc.constant('keys' as const), keys: fc.array(key, { minLength: 1, maxLength: 4 }) }),
    fc.record({ type: fc.constant('done' as const), number }),
    fc.record({
      type: fc.constant('refused' as const),
      number,
      reason: fc.constantFrom('cells' as const, 'gone' as const, 'closed' as const),
    }),
  );
  fc.assert(
    fc.property(message, (each) => {
      expect(decodeMerge(encodeMerge(each))).toEqual(each);
    }),
  );
});
