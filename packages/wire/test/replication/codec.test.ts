// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeReplica,
  encodeReplica,
  type ReplicaMessage,
  replicaFrameBytes,
  replicaWeight,
  updateFault,
} from '@vnfpool/wire/replication';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const mark = { sequence: 300, keys: 2, digest: 0x0102030405060708n, clockUs: 5 };

/** Written by hand from the layout. */
const VECTORS: readonly (readonly [string, ReplicaMessage, string])[] = [
  [
    'open',
    {
      type: 'open',
      slot: '00000000000000a1',
      epoch: 130,
      history: [
        { epoch: 1, sequence: 0 },
        { epoch: 130, sequence: 5 },
      ],
      everyMs: 100,
    },
    '00000018 01 5652 02 00000000000000a1 8201 02 0100 820105 00000064',
  ],
  ['at', { type: 'at', epoch: 1, sequence: 128, windowBytes: 65_536 }, '00000008 02 01 8001 00010000'],
  ['refuse', { type: 'refuse', reason: 'old-epoch', epoch: 9, text: 'no' }, '00000005 03 01 09 6e6f'],
  ['resume', { type: 'resume', from: 7 }, '00000003 04 00 07'],
  ['resume with all', { type: 'resume', from: 'whole' }, '00000002 04 01'],
  [
    'updates',
    {
      type: 'updates',
      updates: [
        { sequence: 298, key: 'a', value: Uint8Array.of(0xff) },
        { sequence: 300, key: '\u00ffb', value: null },
        { sequence: 301, key: 'c', value: new Uint8Array() },
      ],
      mark: null,
    },
    '00000011 05 00 aa02 01 61 02 ff 02 02 ff62 00 01 01 63 01',
  ],
  [
    'updates with secrets',
    {
      type: 'updates',
      updates: [
        { sequence: 1, key: 'a', value: Uint8Array.of(0xff), secret: 'value' },
        { sequence: 2, key: 'b', value: new Uint8Array(), secret: 'name' },
        { sequence: 3, key: 'c', value: null },
      ],
      mark: null,
    },
    '00000012 05 02 01 01 01 61 02 ff 01 02 01 62 01 01 00 01 63 00',
  ],
  ['a mark alone', { type: 'updates', updates: [], mark }, '0000000e 05 01 ac02 02 0102030405060708 05'],
  ['ack', { type: 'ack', sequence: 300, bytes: 1000, clockUs: 5 }, '00000006 06 ac02 e807 05'],
  ['differs', { type: 'differs', sequence: 1, keys: 2, digest: 3n }, '0000000b 07 01 02 0000000000000003'],
  ['end', { type: 'end', sequence: 1 }, '00000002 08 01'],
];

test.each(VECTORS)('%s', (_, message, hex) => {
  const octets = fromHex(hex.replaceAll(' ', ''));
  expect(toHex(encodeReplica(message))).toBe(toHex(octets));
  expect(decodeReplica(octets)).toEqual(message);
});

const count = fc.maxSafeNat();
const digest = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const key = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => String.fromCharCode(...octets));
const updates = fc
  .array(
    fc.record({
      distance: fc.integer({ min: 1, max: 1000 }),
      key,
      value: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null }),
      secret: fc.constantFrom(undefined, undefined, 'value' as const, 'name' as const),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((all) => {
    let sequence = 0;
    return all.map(({ distance, key, value, secret }) => {
      sequence += distance;
      if (secret === undefined || value === null) return { sequence, key, value };
      return { sequence, key, value: secret === 'name' ? new Uint8Array() : value, secret };
    });
  });
/** Of any characters and lengths about the bounds. */
const anyUpdate = fc.record({
  key: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.integer({ min: 1_020, max: 1_030 }).map((length) => '\u00ff'.repeat(length)),
  ),
  value: fc.oneof(
    fc.constant(null),
    fc.uint8Array({ maxLength: 3 }),
    fc.integer({ min: 65_534, max: 65_538 }).map((length) => new Uint8Array(length)),
  ),
  secret: fc.constantFrom(undefined, 'value' as const, 'name' as const),
});
const message: fc.Arbitrary<ReplicaMessage> = fc.oneof(
  fc.record({
    type: fc.constant('at' as const),
    epoch: count,
    sequence: count,
    windowBytes: fc.nat(2 ** 31),
  }),
  fc.record({ type: fc.constant('ack' as const), sequence: count, bytes: count, clockUs: count }),
  fc.record({ type: fc.constant('differs' as const), sequence: count, keys: count, digest }),
  fc.record({
    type: fc.constant('updates' as const),
    updates,
    mark: fc.option(
      fc.record({ sequence: fc.integer({ min: 20_000, max: 2 ** 50 }), keys: count, digest, clockUs: count }),
      { nil: null },
    ),
  }),
);

test('what is written is read', () => {
  fc.assert(
    fc.property(message, (each) => {
      expect(decodeReplica(encodeReplica(each))).toEqual(each);
    }),
  );
});

test('whatever comes, it is a message or a WireError, and a message is written as it was read', () => {
  fc.assert(
    fc.property(
      message,
      fc.array(fc.record({ at: fc.nat(400), octet: fc.nat(255) }), { maxLength: 3 }),
      (each, spoil) => {
        const octets = encodeReplica(each);
        for (const { at, octet } of spoil) octets[at % octets.length] = octet;
        let read: ReplicaMessage;
        try {
          read = decodeReplica(octets);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
          return;
        }
        expect(toHex(encodeReplica(read))).toBe(toHex(octets));
      },
    ),
    { numRuns: 2000 },
  );
});

describe('refuses', () => {
  test.each([
    ['another protocol', '00000018 01 5652 01 00000000000000a1 8201 02 0100 820105 00000064', 'version 1'],
    ['no magic', '00000018 01 5653 01 00000000000000a1 8201 02 0100 820105 00000064', 'not a stream'],
    ['a history without epochs', '00000012 01 5652 02 00000000000000a1 01 00 00000064', 'without an epoch'],
    [
      'a history of somebody else',
      '00000016 01 5652 02 00000000000000a1 01 02 0105 0206 00000064',
      'ends with epoch 2',
    ],
    ['a long number', '00000003 08 8000', 'longer than it need be'],
    ['a number of more than 53 bits', '00000009 08 ffffffffffffff7f', 'not a count'],
    ['a number without end', '0000000a 08 ffffffffffffffffff', 'more than 53 bits'],
    ['an update with the sequence of another', '00000006 05 00 00 01 61 00', 'two updates'],
    ['an empty key', '00000005 05 00 01 00 00', 'a key of 0 octets'],
    ['nothing', '00000002 05 00', 'neither updates nor a mark'],
    ['a mark before its updates', '00000011 05 01 01 02 0102030405060708 05 02 01 61 00', 'behind update 2'],
    ['another flag', '00000002 05 04', '4 is none of 0 to 3'],
    ['a frame with secrets that has none', '00000008 05 02 01 00 01 61 02 ff', 'has none'],
    ['another kind of secret', '00000008 05 02 01 03 01 61 02 ff', '3 is no kind'],
    ['a name with a value', '00000008 05 02 01 02 01 61 02 ff', 'only the name'],
    ['a secret that is no more', '00000007 05 02 01 01 01 61 00', 'is no secret'],
    ['an unknown refusal', '00000003 03 05 00', 'is none of'],
    ['an unknown type', '00000001 09', 'type 9'],
    ['more than its length', '00000002 08 01 01', 'are not what the length says'],
  ])('%s', (_, hex, reason) => {
    expect(() => decodeReplica(fromHex(hex.replaceAll(' ', '')))).toThrow(reason);
  });

  test('frames that nobody would send', () => {
    expect(() => replicaFrameBytes(fromHex('00000000'))).toThrow('without a type');
    expect(() => replicaFrameBytes(fromHex('00040001'))).toThrow('frame of 262149 octets');
  });

  test('to write keys that are no octets, and histories that fall', () => {
    const update = { sequence: 1, key: '\u0100', value: null };
    expect(() => encodeReplica({ type: 'updates', updates: [update], mark: null })).toThrow(WireError);
    const history = [
      { epoch: 2, sequence: 5 },
      { epoch: 3, sequence: 4 },
    ];
    const open = { type: 'open' as const, slot: '00000000000000a1', epoch: 3, history, everyMs: 1 };
    expect(() => encodeReplica(open)).toThrow('does not follow');
  });
});

test('weights are those of keys and values, and 8 more for each', () => {
  const value = new Uint8Array(5);
  expect(
    replicaWeight([
      { sequence: 1, key: 'abc', value },
      { sequence: 2, key: 'a', value: null },
    ]),
  ).toBe(25);
});

test('whoever asks ahead is told of every update that no frame can have, and of no other', () => {
  fc.assert(
    fc.property(anyUpdate, ({ key, value, secret }) => {
      const update = { key, value, ...(secret && { secret }) };
      const encode = (): unknown =>
        encodeReplica({ type: 'updates', updates: [{ sequence: 1, ...update }], mark: null });
      if (updateFault(update) === null) expect(encode).not.toThrow();
      else expect(encode).toThrow(WireError);
    }),
  );
});
