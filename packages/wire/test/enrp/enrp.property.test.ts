// SPDX-License-Identifier: Apache-2.0
import { fromHex, WireError } from '@vnfpool/wire/bytes';
import { decodeEnrp, encodeEnrp, enrpFrameLength } from '@vnfpool/wire/enrp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RSPLIB_ENRP } from '../vectors/rsplib-enrp.ts';
import { enrpMessage } from './enrp-message.arbitrary.ts';

const padding = fc.constantFrom('excluded' as const, 'included' as const);

/** Decodes; anything but a message or a `WireError` fails. */
function tryDecode(bytes: Uint8Array): void {
  try {
    decodeEnrp(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
  }
}

test('decode after encode is the identity, in both forms of padding', () => {
  fc.assert(
    fc.property(enrpMessage, padding, (message, form) => {
      const bytes = encodeEnrp(message, form);
      expect(bytes.length % 4).toBe(0);
      expect(enrpFrameLength(bytes)).toBe(bytes.length);
      expect(decodeEnrp(bytes)).toEqual({ message, unrecognized: [] });
    }),
    { numRuns: 500 },
  );
});

test('arbitrary octets are a message or a WireError', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), tryDecode), { numRuns: 2000 });
});

test('a captured message with octets changed is a message or a WireError', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...RSPLIB_ENRP), changes, ({ hex }, some) => {
      const bytes = fromHex(hex);
      for (const [at, octet] of some) bytes[at % bytes.length] = octet;
      tryDecode(bytes);
    }),
    { numRuns: 2000 },
  );
});
