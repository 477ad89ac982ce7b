// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { isInRange, parseAddressRange } from '../../src/scope-security/address-range.ts';
import { matchesPattern } from '../../src/scope-security/pattern.ts';

test.each([
  ['web', 'web', true],
  ['web', 'web2', false],
  ['web*', 'web', true],
  ['web*', 'my-web', false],
  ['*', '', true],
  ['*.example', 'a.example', true],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a*a', 'a', false],
  ['ab*ba', 'aba', false],
  ['**', 'x', true],
  ['a.c', 'abc', false],
  ['', '', true],
  ['', 'x', false],
])('pattern %s, text %s: %s', (pattern, text, expected) => {
  expect(matchesPattern(pattern, text)).toBe(expected);
});

describe('ranges of addresses', () => {
  test.each([
    ['10.0.0.0/24', '10.0.0.255', true],
    ['10.0.0.0/24', '10.0.1.0', false],
    ['10.0.0.128/25', '10.0.0.127', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['0.0.0.0/0', '255.1.2.3', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '10.0.0.1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/8', 'web', false],
  ])('%s has %s: %s', (range, address, expected) => {
    expect(isInRange(address, parseAddressRange(range))).toBe(expected);
  });

  test.each([
    '',
    '10.0.0.1/24',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '::1/129',
    '1.2.3.4/-1',
  ])('"%s" is none', (text) => {
    expect(() => parseAddressRange(text)).toThrow(/no address or range/);
  });
});
