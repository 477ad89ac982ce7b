// SPDX-License-Identifier: Apache-2.0
import { toHex, WireError } from '@vnfpool/wire/bytes';
import { decodePfsync, encodePfsync } from '@vnfpool/wire/pfsync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { message } from './pfsync.arbitrary.ts';

test('decoding gives back what was encoded', () => {
  fc.assert(
    fc.property(message, (value) => {
      expect(decodePfsync(encodePfsync(value))).toEqual(value);
    }),
  );
});

test('any octets are a message or a WireError, and a message is written again with the same octets', () => {
  const broken = fc
    .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(8))
    .map(([value, changes, cut]) => {
      const bytes = encodePfsync(value);
      for (const [place, octet] of changes) bytes[place % bytes.length] = octet;
      const rest = bytes.slice(0, Math.max(20, bytes.length - cut));
      // A right length most times, so that more of it is read.
      if (cut !== 1) rest.set([rest.length >> 8, rest.length & 0xff], 2);
      return rest;
    });
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (bytes) => {
      const before = toHex(bytes);
      try {
        expect(toHex(encodePfsync(decodePfsync(bytes)))).toBe(before);
        taken += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
      expect(toHex(bytes)).toBe(before);
    }),
    { numRuns: 1000 },
  );
  // Some hundred on average.
  expect(taken).toBeGreaterThan(20);
});
