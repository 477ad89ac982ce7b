// SPDX-License-Identifier: Apache-2.0
import { type CookieSealOptions, cookieSeal } from '@vnfpool/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const secret = (fill: number) => new Uint8Array(32).fill(fill);
const session = '00112233445566778899aabbccddeeff';
const state = Uint8Array.of(1, 2, 3, 4, 5);
let now = 1_000_000_000_000;
const seal = (options: Partial<CookieSealOptions> = {}) =>
  cookieSeal({ secrets: [secret(1)], poolHandle: 'echo', nowMs: () => now, ...options });

describe.each([true, false])('encrypted: %s', (encrypt) => {
  test('what is sealed is opened again', () => {
    const made = seal({ encrypt });
    const cookie = made.seal(state, session);
    expect(made.open(cookie)).toEqual({ state, session, sealedMs: now });
    expect(cookie.length % 4).toBe(0);
    expect(Buffer.from(cookie).includes(Buffer.from(state))).toBe(!encrypt);
  });

  test('any octet changed makes it bad', () => {
    const made = seal({ encrypt });
    const cookie = made.seal(state, session);
    for (let at = 0; at < cookie.length; at += 1) {
      const changed = Uint8Array.from(cookie);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(made.open(changed)).toBeTypeOf('string');
    }
  });

  test('another pool, another secret, another time', () => {
    const cookie = seal({ encrypt }).seal(state, session);
    expect(seal({ encrypt, poolHandle: 'other' }).open(cookie)).toBe('unknown secret');
    expect(seal({ encrypt, secrets: [secret(2)] }).open(cookie)).toBe('unknown secret');
    expect(seal({ encrypt, secrets: [secret(2), secret(1)] }).open(cookie)).toMatchObject({ session });
    expect(seal({ encrypt: !encrypt }).open(cookie)).toBe('forged');
    now += 1001;
    expect(seal({ encrypt, maxAgeMs: 1000 }).open(cookie)).toBe('too old');
    now -= 3_600_000;
    expect(seal({ encrypt }).open(cookie)).toBe('from the future');
    now += 3_600_000 - 1001;
  });
});

test('any octets are a state or a fault', () => {
  const made = seal();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (cookie) => typeof made.open(cookie) === 'string'),
  );
});

test('sessions have different names; short secrets and none are refused', () => {
  const made = seal();
  expect(made.newSession()).not.toBe(made.newSession());
  expect(() => seal({ secrets: [] })).toThrow(RangeError);
  expect(() => seal({ secrets: [new Uint8Array(8)] })).toThrow(RangeError);
  expect(() => made.seal(state, 'x')).toThrow(RangeError);
});
