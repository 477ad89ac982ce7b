// SPDX-License-Identifier: Apache-2.0
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { CAUSE } from '@vnfpool/wire/parameters';
import { expect, test } from 'vitest';
import {
  asapSpeaker,
  CALC,
  element,
  enrpSpeaker,
  member,
  plain,
  register,
  resolve,
  securityOf,
  startRegistrar,
} from './secured-scope.ts';

/* RFC 5355 §2.15: all or nothing. */

const at = (kind: 'tcp' | 'tls'): ScopeEndpoint => ({ kind, addresses: ['127.0.0.1'], port: 0 });

async function mixed(tuning = {}) {
  const registrar = await startRegistrar('registrar/r1', {
    security: { ...securityOf('registrar/r1'), unsecuredUsers: true },
    asap: [at('tls'), at('tcp')],
    tuning,
  });
  const [, unsecured] = registrar.allAsap;
  if (unsecured === undefined) throw new Error('it does not listen on TCP');
  const honest = await member('element/calc-1', registrar.asap);
  expect(await register(honest, element(1))).toBe('accepted');
  return { registrar, stranger: await asapSpeaker(plain('asap'), unsecured) };
}

test('2.15 over an unsecured channel there are answers, and no registration or deregistration: cause 0xa', async () => {
  const { registrar, stranger } = await mixed();
  expect(await resolve(stranger)).toEqual([1]);
  expect(await register(stranger, element(2))).toBe(CAUSE.security);
  const own = element(3, { userTransport: { type: 'tcp', port: 80, address: '127.0.0.1' } });
  expect(await register(stranger, own)).toBe(CAUSE.security);
  stranger.say({ type: 'deregistration', poolHandle: CALC, elementId: 1 });
  const { causes } = await stranger.hears('deregistration-response');
  expect(causes.map(({ code }) => code)).toEqual([CAUSE.security]);
  expect((await registrar.view()).pools[0]?.elements.map(({ id }) => id)).toEqual(['0x00000001']);
});

test('2.15 without the setting no registrar of a secured scope has an unsecured endpoint, and none for ENRP ever', async () => {
  await expect(startRegistrar('registrar/r1', { asap: [at('tcp')] })).rejects.toThrow(/not secured/);
  const security = { ...securityOf('registrar/r1'), unsecuredUsers: true };
  await expect(startRegistrar('registrar/r1', { security, enrp: [at('tcp')] })).rejects.toThrow(
    /not secured/,
  );
  await expect(startRegistrar('registrar/r1', { security, peers: [at('tcp')] })).rejects.toThrow(
    /not secured/,
  );
});

test('2.15 a plain speaker at a secured endpoint gets nothing, for ASAP and for ENRP', async () => {
  const registrar = await startRegistrar('registrar/r1');
  const asap = await asapSpeaker(plain('asap'), registrar.asap);
  await expect(register(asap, element(1))).rejects.toThrow(/closed/);
  const enrp = await enrpSpeaker(plain('enrp'), registrar.enrp);
  enrp.say({ type: 'list-request', sender: 1, receiver: 0 });
  await expect(enrp.hears('list-response')).rejects.toThrow(/closed/);
  expect(await registrar.view()).toMatchObject({
    pools: [],
    peers: [],
    associations: 0,
    peerAssociations: 0,
  });
});

test('2.15 reports over an unsecured channel lead to a question, and remove nobody who answers', async () => {
  const { registrar, stranger } = await mixed({ badReportsMax: 0 });
  expect(await resolve(stranger)).toEqual([1]);
  stranger.say({ type: 'endpoint-unreachable', poolHandle: CALC, elementId: 1 });
  expect(await resolve(stranger)).toEqual([1]);
  expect((await registrar.view()).pools[0]?.elements).toMatchObject([{ badReports: 0 }]);
});
