// SPDX-License-Identifier: Apache-2.0

import { scopeGuard } from '@vnfpool/runtime/scope-security';
import { CAUSE } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import {
  asapSpeaker,
  CALC,
  element,
  member,
  plain,
  register,
  resolve,
  securityOf,
  startRegistrar,
  WEB,
} from './secured-scope.ts';

/* RFC 5355 §2.1–§2.4 and §2.15, at a registrar daemon secured by shared keys. */

describe('RFC 5355 §2.1', () => {
  test('2.1 a flood of registrations by nobody leaves nothing behind', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const strangers = {
      ...securityOf('element/calc-1'),
      keys: [
        {
          identity: 'element/calc-1',
          role: 'element',
          name: 'calc-1',
          key: Uint8Array.from({ length: 32 }, (_, i) => 200 - i),
        },
      ],
    } as const;
    const transports = [
      plain('asap'),
      scopeGuard(strangers, 'element').transport({ protocol: 'asap' }),
      scopeGuard({ ...strangers, minVersion: 'TLSv1.2' }, 'element').transport({ protocol: 'asap' }),
    ];
    for (const transport of transports) {
      for (let id = 1; id <= 10; id += 1) {
        const attempt = asapSpeaker(transport, registrar.asap).then((speaker) =>
          register(speaker, element(id)),
        );
        await expect(attempt).rejects.toThrow();
      }
    }
    expect(await registrar.view()).toMatchObject({
      pools: [],
      associations: 0,
      counters: { registrations: 0 },
    });
  });

  test('2.1 a member floods no more than its associations may hold', async () => {
    const registrar = await startRegistrar('registrar/r1', { tuning: { elementsPerAssociationMax: 3 } });
    const speaker = await member('element/calc-1', registrar.asap);
    const answers = [];
    for (let id = 1; id <= 5; id += 1) answers.push(await register(speaker, element(id)));
    expect(answers).toEqual([
      'accepted',
      'accepted',
      'accepted',
      CAUSE.lackOfResources,
      CAUSE.lackOfResources,
    ]);
  });
});

describe('RFC 5355 §2.2', () => {
  test('2.2 a member that may not register does not', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const user = await member('user/u', registrar.asap);
    expect(await register(user, element(1))).toBe(CAUSE.security);
    expect((await registrar.view()).pools).toEqual([]);
    // It gets answers, as users do.
    user.say({ type: 'handle-resolution', sendUpdates: false, poolHandle: CALC });
    const { causes } = await user.hears('handle-resolution-response');
    expect(causes.map(({ code }) => code)).toEqual([CAUSE.unknownPoolHandle]);
  });

  test('2.2 a member that may register does so with the addresses it may have', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const speaker = await member('element/calc-1', registrar.asap);
    const elsewhere = element(1, { userTransport: { type: 'tcp', port: 80, address: '192.0.2.1' } });
    expect(await register(speaker, elsewhere)).toBe(CAUSE.security);
    expect(await register(speaker, element(1))).toBe('accepted');
  });
});

describe('RFC 5355 §2.3', () => {
  test('2.3 nobody deregisters or registers another, whatever it calls itself', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const victim = await member('element/calc-1', registrar.asap);
    expect(await register(victim, element(7))).toBe('accepted');
    for (const identity of ['element/calc-2', 'user/u', 'element/web-1']) {
      const attacker = await member(identity, registrar.asap);
      attacker.say({ type: 'deregistration', poolHandle: CALC, elementId: 7 });
      const { causes } = await attacker.hears('deregistration-response');
      expect(causes.map(({ code }) => code)).toEqual([CAUSE.security]);
      const taken = element(7, { userTransport: { type: 'tcp', port: 80, address: '10.0.0.66' } });
      expect(await register(attacker, taken)).not.toBe('accepted');
    }
    expect((await registrar.view()).pools[0]?.elements).toMatchObject([
      { id: '0x00000007', addresses: ['10.0.0.7'], owner: 'calc-1' },
    ]);
  });

  test('2.3 a user of the same name is not the element', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const victim = await member('element/calc-1', registrar.asap);
    expect(await register(victim, element(7))).toBe('accepted');
    const namesake = await member('user/calc-1', registrar.asap);
    namesake.say({ type: 'deregistration', poolHandle: CALC, elementId: 7 });
    const { causes } = await namesake.hears('deregistration-response');
    expect(causes.map(({ code }) => code)).toEqual([CAUSE.security]);
    expect(await resolve(namesake)).toEqual([7]);
  });
});

describe('RFC 5355 §2.4', () => {
  test('2.4 an element joins only pools that it is meant for', async () => {
    const registrar = await startRegistrar('registrar/r1');
    const speaker = await member('element/calc-1', registrar.asap);
    expect(await register(speaker, element(1), WEB)).toBe(CAUSE.security);
    expect(await register(speaker, element(1), CALC)).toBe('accepted');
    const other = await member('element/web-1', registrar.asap);
    expect(await register(other, element(2), CALC)).toBe(CAUSE.security);
    expect(await register(other, element(2), WEB)).toBe('accepted');
    expect(await resolve(speaker, WEB)).toEqual([2]);
  });
});
