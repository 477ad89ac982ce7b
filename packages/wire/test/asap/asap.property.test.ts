// SPDX-License-Identifier: Apache-2.0
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { WireError } from '@vnfpool/wire/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asapMessage } from './asap-message.arbitrary.ts';

const padding = fc.constantFrom('excluded' as const, 'included' as const);

test('decode after encode is the identity, in both forms of padding', () => {
  fc.assert(
    fc.property(asapMessage, padding, (message, form) => {
      const bytes = encodeAsap(message, form);
      expect(bytes.length % 4).toBe(0);
      expect(decodeAsap(bytes)).toEqual({ message, unrecognized: [] });
    }),
    { numRuns: 500 },
  );
});

test('arbitrary octets are a message or a WireError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodeAsap(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a message with octets changed is a message or a WireError', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(asapMessage, fc.array(change, { minLength: 1, maxLength: 4 }), (message, changes) => {
      const bytes = encodeAsap(message);
      for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
      try {
        decodeAsap(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 1000 },
  );
});
