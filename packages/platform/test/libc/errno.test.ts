// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { errnoName } from '../../src/libc/errno.ts';

test.each([
  [1, 'EPERM'],
  [85, 'ERESTART'],
  [95, 'EOPNOTSUPP'],
  [530, 'E530'],
])('errno %d goes by the name that Linux has for it: %s', (errno, name) => {
  expect(errnoName(errno)).toBe(name);
});
