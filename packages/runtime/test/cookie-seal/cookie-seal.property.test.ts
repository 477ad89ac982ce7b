// SPDX-License-Identifier: Apache-2.0
import { CookieError, CookieSeal } from '@vnfpool/runtime/cookie-seal';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const nowMs = 1_800_000_000_000;
const make = (poolHandle: Uint8Array, encrypted: boolean) =>
  new CookieSeal({ poolHandle, encrypted, secrets: [new Uint8Array(32).fill(1)] });
const octets = fc.uint8Array({ maxLength: 200 });

test('what is sealed is opened, by who holds it and in its pool', () => {
  fc.assert(
    fc.property(octets, octets, fc.string(), fc.boolean(), (poolHandle, state, holder, encrypted) => {
      const seal = make(poolHandle, encrypted);
      const { cookie, session } = seal.seal(seal.begin(holder), state, nowMs);
      expect(make(poolHandle, encrypted).open(cookie, nowMs, holder)).toEqual({
        state,
        session,
        issuedMs: nowMs,
      });
    }),
    { numRuns: 200 },
  );
});

test('any octets are a cookie or a CookieError', () => {
  const seal = make(new Uint8Array(4), true);
  const head = fc.constantFrom([], [1], [1, 1, 0, 1], [1, 2, 0, 1]);
  fc.assert(
    fc.property(head, octets, (first, rest) => {
      expect(() => seal.open(Uint8Array.from([...first, ...rest]), nowMs)).toThrow(CookieError);
    }),
    { numRuns: 300 },
  );
});
