// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Outages } from '../../src/traffic/outages.ts';

test('no failure, no outage', () => {
  const outages = new Outages();
  for (let at = 0; at < 100; at += 5) outages.succeeded(at, at + 1);
  expect(outages.takeEnded()).toEqual([]);
  expect(outages.failingSince()).toBeNull();
});

test('an outage runs from the last success before to the first success after, by completion', () => {
  const outages = new Outages();
  outages.succeeded(0, 1);
  outages.succeeded(5, 6);
  // Sent at 10 to 40, refused at once.
  for (let sentAt = 10; sentAt <= 40; sentAt += 5) outages.failed(sentAt, 'ECONNREFUSED');
  expect(outages.failingSince()).toBe(6);
  expect(outages.takeEnded()).toEqual([]);
  outages.succeeded(45, 47);
  expect(outages.takeEnded()).toEqual([{ lastOkAt: 6, firstOkAt: 47, failed: 7, reason: 'ECONNREFUSED' }]);
  expect(outages.failingSince()).toBeNull();
});

test('failures known only at their deadline, after service is back, belong to the outage they were sent in', () => {
  const outages = new Outages();
  outages.succeeded(0, 1);
  // Requests of 5, 10 and 15 hang; 20 is served; then the deadlines pass one after the other.
  outages.succeeded(20, 21);
  outages.failed(5, 'ECONNREFUSED');
  expect(outages.takeEnded()).toEqual([{ lastOkAt: 1, firstOkAt: 21, failed: 1, reason: 'ECONNREFUSED' }]);
  outages.failed(10, 'ECONNREFUSED');
  outages.failed(15, 'ECONNREFUSED');
  expect(outages.takeEnded()).toEqual([{ lastOkAt: 1, firstOkAt: 21, failed: 3, reason: 'ECONNREFUSED' }]);
  expect(outages.takeEnded()).toEqual([]);
});

test('a request sent before the fault that ends well during it does not end the outage', () => {
  const outages = new Outages();
  outages.succeeded(0, 1);
  outages.failed(10, 'ECONNREFUSED');
  outages.succeeded(4, 12);
  expect(outages.failingSince()).not.toBeNull();
  outages.succeeded(30, 31);
  expect(outages.takeEnded()[0]).toMatchObject({ firstOkAt: 31 });
});

test('two faults with a success between are two outages', () => {
  const outages = new Outages();
  outages.succeeded(0, 1);
  outages.failed(5, 'ECONNREFUSED');
  outages.succeeded(10, 11);
  outages.failed(15, 'ECONNREFUSED');
  outages.succeeded(20, 21);
  expect(outages.takeEnded()).toEqual([
    { lastOkAt: 1, firstOkAt: 11, failed: 1, reason: 'ECONNREFUSED' },
    { lastOkAt: 11, firstOkAt: 21, failed: 1, reason: 'ECONNREFUSED' },
  ]);
});

test('before the first success there is no outage, but requests fail', () => {
  const outages = new Outages();
  outages.failed(3, 'ECONNREFUSED');
  outages.failed(5, 'ECONNREFUSED');
  expect(outages.failingSince()).toBe(3);
  outages.succeeded(7, 8);
  expect(outages.failingSince()).toBeNull();
  outages.failed(6, 'ECONNREFUSED');
  expect(outages.failingSince()).toBeNull();
  expect(outages.takeEnded()).toEqual([]);
});
