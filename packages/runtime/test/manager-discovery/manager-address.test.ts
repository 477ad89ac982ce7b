// SPDX-License-Identifier: Apache-2.0
import { managerKey, parseManagerAddress } from '@vnfpool/runtime/manager-discovery';
import { expect, test } from 'vitest';

test.each([
  ['192.0.2.1', '192.0.2.1:49877'],
  ['192.0.2.1:1', '192.0.2.1:1'],
  ['2001:db8::1', '[2001:db8::1]:49877'],
  ['[2001:db8::1]', '[2001:db8::1]:49877'],
  ['[2001:db8::1]:65535', '[2001:db8::1]:65535'],
  ['manager.example.org', 'manager.example.org:49877'],
  ['manager.example.org.:5000', 'manager.example.org.:5000'],
])('%s is read', (text, key) => {
  const address = parseManagerAddress(text, 49_877);
  expect(address && managerKey(address)).toBe(key);
});

test.each([
  '',
  ':5000',
  '192.0.2.256',
  '192.0.2',
  '192.0.2.1:0',
  '192.0.2.1:65536',
  '192.0.2.1:',
  '[192.0.2.1]:5',
  '[2001:db8::1',
  'a b',
  '-x.example.org',
  'x/y',
])('%j is refused', (text) => {
  expect(parseManagerAddress(text, 49_877)).toBeNull();
});
