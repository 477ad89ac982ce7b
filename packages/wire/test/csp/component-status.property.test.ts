// SPDX-License-Identifier: Apache-2.0
import { fromHex, WireError } from '@vnfpool/wire/bytes';
import { decodeComponentStatus, encodeComponentStatus } from '@vnfpool/wire/csp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RSPLIB_CSP } from '../vectors/rsplib-csp.ts';
import { componentStatus } from './component-status.arbitrary.ts';

/** Decodes; anything but a report or a `WireError` fails. */
function tryDecode(bytes: Uint8Array): void {
  try {
    decodeComponentStatus(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
  }
}

test('decode after encode is the identity', () => {
  fc.assert(
    fc.property(componentStatus, (status) => {
      expect(decodeComponentStatus(encodeComponentStatus(status))).toEqual(status);
    }),
  );
});

test('arbitrary octets are a report or a WireError', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), tryDecode), { numRuns: 500 });
});

test('a captured report with octets changed is a report or a WireError', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...RSPLIB_CSP), changes, ({ hex }, some) => {
      const bytes = fromHex(hex);
      for (const [at, octet] of some) bytes[at % bytes.length] = octet;
      tryDecode(bytes);
    }),
    { numRuns: 500 },
  );
});
