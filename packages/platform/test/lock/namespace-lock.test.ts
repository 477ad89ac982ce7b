// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { lockInNamespace } from '../../src/lock/index.ts';

const onLinux = { skip: process.platform !== 'linux' };

test('a namespace has one holder of a name at a time', onLinux, () => {
  const name = `vnfpool test ${randomBytes(8).toString('hex')}`;
  const lock = lockInNamespace(name);
  expect(() => lockInNamespace(name)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
  expect(() => lockInNamespace(name)).toThrow(`has ${name}`);
  lockInNamespace(`${name} of another`).release();
  lock.release();
  lock.release();
  lockInNamespace(name).release();
});

test('a name is not cut', onLinux, () => {
  expect(() => lockInNamespace('x'.repeat(101))).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
});
