// SPDX-License-Identifier: Apache-2.0
import { CookieSeal, type CookieSealOptions } from '@vnfpool/runtime/cookie-seal';
import { describe, expect, test } from 'vitest';

const octets = (text: string) => new TextEncoder().encode(text);
const secret = (octet: number) => new Uint8Array(32).fill(octet);
const fail = (): never => {
  throw new Error('there is none');
};
const nowMs = 1_800_000_000_000;
const make = (options: Partial<CookieSealOptions> = {}) =>
  new CookieSeal({ poolHandle: octets('calc'), secrets: [secret(1)], ...options });
const code = (open: () => unknown) => {
  try {
    open();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'opened';
};

describe.each([true, false])('encrypted: %s', (encrypted) => {
  const seal = make({ encrypted });
  const { cookie, session } = seal.seal(seal.begin('user/u'), octets('state of a session'), nowMs);

  test('another element of the pool opens what one has sealed, and goes on', () => {
    const other = make({ encrypted });
    const opened = other.open(cookie, nowMs + 5, 'user/u');
    expect(opened).toEqual({ state: octets('state of a session'), session, issuedMs: nowMs });
    const next = other.seal(opened.session, octets('more'), nowMs + 6);
    expect(next.session).toEqual({ ...session, sequence: nowMs + 6 });
    expect(next.cookie.length % 4).toBe(0);
    expect(seal.open(next.cookie, nowMs + 7, 'user/u').state).toEqual(octets('more'));
  });

  test('the user can read it only where it is signed alone', () => {
    expect(Buffer.from(cookie).includes('state of a session')).toBe(!encrypted);
  });

  test('any bit turned, and any length it is cut to, is refused', () => {
    const codes = new Set<string | undefined>();
    for (let bit = 0; bit < cookie.length * 8; bit += 1) {
      const turned = cookie.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      codes.add(code(() => seal.open(turned, nowMs, 'user/u')));
    }
    for (let length = 0; length < cookie.length; length += 1) {
      codes.add(code(() => seal.open(cookie.slice(0, length), nowMs, 'user/u')));
    }
    codes.add(code(() => seal.open(Uint8Array.of(...cookie, 0), nowMs, 'user/u')));
    expect(codes).toEqual(new Set(['forged', 'malformed', 'unknown-key']));
  });

  test.each([
    ['another pool', { poolHandle: octets('calc2') }, 'user/u', 'unknown-key'],
    ['a secret that we do not have', { secrets: [secret(2)] }, 'user/u', 'unknown-key'],
    ['one that is only signed, or only that', { encrypted: !encrypted }, 'user/u', 'forged'],
    ['another user', {}, 'user/v', 'forged'],
    ['a user that is not known', {}, '', 'forged'],
  ])('refused: %s', (_, options, holder, expected) => {
    expect(code(() => make({ encrypted, ...options }).open(cookie, nowMs, holder))).toBe(expected);
  });

  test.each([
    ['an hour later', 3_600_000, 'opened'],
    ['more than an hour later', 3_600_001, 'expired'],
    ['a minute before', -60_000, 'opened'],
    ['more than a minute before', -60_001, 'future'],
  ])('in time: %s', (_, laterMs, expected) => {
    expect(code(() => make({ encrypted }).open(cookie, nowMs + laterMs, 'user/u'))).toBe(expected);
  });
});

describe('replay', () => {
  const states = (seal: CookieSeal, count: number) => {
    let session = seal.begin();
    return Array.from({ length: count }, (_, index) => {
      const sealed = seal.seal(session, octets(`state ${index + 1}`), nowMs + index);
      ({ session } = sealed);
      return sealed;
    });
  };

  test('an older state than one that was opened is refused, the same one is not', () => {
    const [first, second, third] = states(make(), 3);
    const other = make();
    expect(other.open(second?.cookie ?? fail(), nowMs).state).toEqual(octets('state 2'));
    expect(code(() => other.open(first?.cookie ?? fail(), nowMs))).toBe('stale');
    expect(code(() => other.open(second?.cookie ?? fail(), nowMs))).toBe('opened');
    expect(code(() => other.open(third?.cookie ?? fail(), nowMs))).toBe('opened');
    expect(code(() => other.open(second?.cookie ?? fail(), nowMs))).toBe('stale');
    expect(other.counters).toMatchObject({ opened: 3, stale: 2 });
  });

  test('a cookie that got lost on the way costs the user nothing; one that arrived counts', () => {
    const seal = make();
    const [first, second] = states(seal, 2);
    expect(code(() => seal.open(first?.cookie ?? fail(), nowMs))).toBe('opened');
    seal.confirm(second?.session ?? fail(), nowMs);
    expect(code(() => seal.open(first?.cookie ?? fail(), nowMs))).toBe('stale');
  });

  test('sessions do not stand in for each other', () => {
    const seal = make();
    const [mine] = states(seal, 1);
    const theirs = states(seal, 3);
    expect(code(() => seal.open(theirs[2]?.cookie ?? fail(), nowMs))).toBe('opened');
    expect(code(() => seal.open(mine?.cookie ?? fail(), nowMs))).toBe('opened');
  });

  test('at the bound, what is forgotten is refused and not let in', () => {
    const source = make();
    const other = make({ sessionsMax: 2, clockSkewMs: 1000 });
    const [old, later] = states(source, 2);
    expect(code(() => other.open(later?.cookie ?? fail(), nowMs + 10))).toBe('opened');
    for (let count = 0; count < 2; count += 1) {
      const { cookie } = source.seal(source.begin(), octets('x'), nowMs + 5000 + count);
      expect(code(() => other.open(cookie, nowMs + 5000))).toBe('opened');
    }
    expect(code(() => other.open(old?.cookie ?? fail(), nowMs + 5000))).toBe('stale');
    const fresh = source.seal(source.begin(), octets('y'), nowMs + 6000);
    expect(code(() => other.open(fresh.cookie, nowMs + 6000))).toBe('opened');
  });

  test('an older state of a faster clock does not come back when the later one is forgotten for its age', () => {
    const options = { ageMaxMs: 10_000, clockSkewMs: 1000 };
    const ahead = make(options);
    const first = ahead.seal(ahead.begin(), octets('1'), nowMs + 900);
    const second = make(options).seal(first.session, octets('2'), nowMs);
    const other = make(options);
    expect(code(() => other.open(second.cookie, nowMs))).toBe('opened');
    expect(code(() => other.open(first.cookie, nowMs + 10_500))).toBe('stale');
  });
});

test('secrets change: the new one seals, the former still opens', () => {
  const former = make();
  const { cookie } = former.seal(former.begin(), octets('x'), nowMs);
  const secrets = [secret(2), secret(1)];
  const changed = make({ secrets });
  const opened = changed.open(cookie, nowMs);
  const next = changed.seal(opened.session, octets('y'), nowMs);
  expect(code(() => former.open(next.cookie, nowMs))).toBe('unknown-key');
});

test('a pool handle of any length is bound', () => {
  const long = new Uint8Array(5000).fill(7);
  const seal = make({ poolHandle: long });
  const { cookie } = seal.seal(seal.begin(), octets('x'), nowMs);
  expect(code(() => make({ poolHandle: long }).open(cookie, nowMs))).toBe('opened');
  expect(code(() => make({ poolHandle: long.slice(1) }).open(cookie, nowMs))).toBe('unknown-key');
});

test.each([
  ['none', []],
  ['short', [new Uint8Array(31)]],
  ['long', [new Uint8Array(65)]],
  ['too many', Array.from({ length: 17 }, (_, index) => secret(index))],
])('secrets that are none: %s', (_, secrets) => {
  expect(() => make({ secrets })).toThrow(RangeError);
});

test('a state has a bound, so that users keep its cookie', () => {
  const seal = make();
  expect(seal.seal(seal.begin(), new Uint8Array(32_000), nowMs).cookie.length).toBeLessThanOrEqual(32_768);
  expect(() => seal.seal(seal.begin(), new Uint8Array(32_001), nowMs)).toThrow(RangeError);
});
