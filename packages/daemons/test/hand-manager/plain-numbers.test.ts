// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { numberOfNow, plainRegistration } from '../../src/hand-manager/plain-numbers.ts';

const SPACE = 2 ** 24;
const NOW = Date.UTC(2026, 10, 21);

test('it is a number of a message, at any time', () => {
  for (const unixMs of [0, 1, NOW, SPACE * 125, SPACE * 125 - 1, 4e15]) {
    expect(numberOfNow(unixMs)).toBeGreaterThanOrEqual(1);
    expect(numberOfNow(unixMs)).toBeLessThan(SPACE);
    expect(Number.isInteger(numberOfNow(unixMs))).toBe(true);
  }
});

test.each([
  { after: 'a second', ms: 1_000, steps: 8 },
  { after: 'a day', ms: 86_400_000, steps: 691_200 },
  { after: 'twelve days, still ahead', ms: 12 * 86_400_000, steps: 8_294_400 },
])('after $after', ({ ms, steps }) => {
  expect(steps).toBeLessThan(SPACE / 2);
  expect((numberOfNow(NOW + ms) - numberOfNow(NOW) + SPACE) % SPACE).toBe(steps);
});

test('only a REGISTRATION without our extensions begins numbers, with its boot time', () => {
  const nodes = [{ id: 10, information: { bootTime: 7n } }];
  expect(plainRegistration({ type: 'registration', sequence: 1, nodes })).toBe(7n);
  expect(plainRegistration({ type: 'registration', sequence: 1, nodes: [{ id: 10 }] })).toBe(0n);
  expect(plainRegistration({ type: 'status-update', sequence: 1, nodes })).toBeNull();
  const hello = { extensions: { hello: { version: 1, instance: 1n } } };
  expect(plainRegistration({ type: 'registration', sequence: 1, nodes: [{ id: 10, ...hello }] })).toBeNull();
});
