// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { tokenFromHash } from '../../src/api/token.ts';

test.each([
  ['#token=abc', 'abc'],
  ['#pool=web&token=a%2Bb', 'a+b'],
  ['#token=', null],
  ['#main', null],
  ['', null],
])('the token in %j is %j', (hash, token) => {
  expect(tokenFromHash(hash)).toBe(token);
});
