// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { handedCookieSeal } from '@vnfpool/client';
import { encodeHandedCookies } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';

const state = Uint8Array.of(1, 2, 3);
const session = '00112233445566778899aabbccddeeff';
const secret = (digit: string): string => digit.repeat(64);

/** A file as an agent writes it, and seals of elements that were handed it. */
function handed(...first: readonly string[]) {
  const folder = mkdtempSync(`${tmpdir()}/vnfpool-cookies-`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = `${folder}/cookie-secrets`;
  const clock = { nowMs: 1_000_000_000_000 };
  const hand = (digits: readonly string[], maxAgeMs = 60_000): void => {
    writeFileSync(
      `${path}.new`,
      encodeHandedCookies({ v: 1, pool: 'web', secrets: digits.map(secret), maxAgeMs }),
    );
    renameSync(`${path}.new`, path);
  };
  hand(first);
  return { path, clock, hand, element: () => handedCookieSeal({ path, nowMs: () => clock.nowMs }) };
}

test('another element opens what one has sealed by the secrets that were handed to both', () => {
  const { element } = handed('1');
  expect(element().open(element().seal(state, session))).toMatchObject({ state, session });
});

test('another secret opens at once, seals a second later, and the former one opens for as long as it is handed', () => {
  const { element, hand, clock } = handed('1');
  const [one, two] = [element(), element()];
  const former = one.seal(state, session);
  hand(['2', '1']);
  clock.nowMs += 1_000;
  const later = one.seal(state, session);
  // The other one has not looked since.
  expect(two.open(later)).toMatchObject({ state });
  expect(element().open(former)).toMatchObject({ state });
  hand(['2']);
  expect(element().open(former)).toBe('unknown secret');
  expect(element().open(later)).toMatchObject({ state });
});

test('what is known of sessions stays when the secret changes: no older state is taken', () => {
  const { element, hand, clock } = handed('1');
  const one = element();
  const [older, newer] = [one.seal(state, session), one.seal(state, session)];
  const two = element();
  expect(two.open(newer)).toMatchObject({ state });
  hand(['2', '1']);
  clock.nowMs += 2_000;
  two.seal(state, session);
  expect(two.open(older)).toBe('replayed');
});

test('how old a cookie may be is followed, too', () => {
  const { element, hand, clock } = handed('1');
  const one = element();
  const cookie = one.seal(state, session);
  clock.nowMs += 50_000;
  hand(['1'], 10_000);
  one.seal(state, session);
  expect(one.open(cookie)).toBe('too old');
});

test('without a file, or with one that is none, it says so; one that is damaged later changes nothing', () => {
  const { element, path, clock } = handed('1');
  expect(() => handedCookieSeal({ path: `${path}.missing` })).toThrow('ENOENT');
  expect(() => handedCookieSeal()).toThrow('VNFPOOL_COOKIE_SECRETS is not set');
  const one = element();
  const cookie = one.seal(state, session);
  writeFileSync(path, '{"v":1,"pool":"web","secrets":["12"],"maxAgeMs":1}');
  clock.nowMs += 2_000;
  expect(one.open(one.seal(state, session))).toMatchObject({ state });
  expect(element).toThrow('cookies.secrets[0] must be 64 hexadecimal digits');
  expect(cookie.length).toBeGreaterThan(0);
});
