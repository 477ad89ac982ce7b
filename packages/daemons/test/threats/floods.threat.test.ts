// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { CALC, element, member, register, resolve, startRegistrar } from './secured-scope.ts';

/* RFC 5355 §2.13 and §2.14: a member that floods. */

test('2.13, 2.14 a flood of unreachable reports neither removes an element nor floods it with keep-alives', async () => {
  const registrar = await startRegistrar('registrar/r1', {
    tuning: { reportRate: { perSecond: 1, burst: 5 } },
  });
  const reported = await member('element/calc-1', registrar.asap);
  expect(await register(reported, element(1))).toBe('accepted');
  const user = await member('user/u', registrar.asap);
  expect(await resolve(user)).toEqual([1]);
  for (let count = 0; count < 500; count += 1) {
    user.say({ type: 'endpoint-unreachable', poolHandle: CALC, elementId: 1 });
  }
  const asked = await reported.hears('endpoint-keep-alive');
  reported.say({ type: 'endpoint-keep-alive-ack', poolHandle: CALC, elementId: asked.elementId ?? 1 });
  // The answer comes after all reports.
  expect(await resolve(user)).toEqual([1]);
  const { pools, counters } = await registrar.view();
  expect(pools[0]?.elements).toMatchObject([{ badReports: 1 }]);
  expect(counters).toMatchObject({ reportsLimited: 495 });
  const keepAlives = reported.heard.filter(({ type }) => type === 'endpoint-keep-alive');
  expect(keepAlives.length).toBeLessThanOrEqual(1);
});

test('2.13 reports of an element that one was not told of do not count', async () => {
  const registrar = await startRegistrar('registrar/r1', { tuning: { badReportsMax: 0 } });
  const reported = await member('element/calc-1', registrar.asap);
  expect(await register(reported, element(1))).toBe('accepted');
  const user = await member('user/u', registrar.asap);
  user.say({ type: 'endpoint-unreachable', poolHandle: CALC, elementId: 1 });
  expect(await resolve(user)).toEqual([1]);
  expect((await registrar.view()).pools[0]?.elements).toMatchObject([{ badReports: 0 }]);
});
