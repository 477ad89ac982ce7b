// SPDX-License-Identifier: Apache-2.0
import { encodeAsap } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { expect, test } from 'vitest';
import { relayTo, sayAgain } from './relay.ts';
import { asapSpeaker, CALC, element, member, plain, register, startRegistrar } from './secured-scope.ts';

/* RFC 5355 §2.8, §2.10 and §2.11: somebody on the path between an element and its registrar. */

test('2.8 what was said before is not heard again, on another connection or on the same', async () => {
  const registrar = await startRegistrar('registrar/r1');
  const relay = await relayTo(registrar.asap);
  const speaker = await member('element/calc-1', relay.endpoint);
  expect(await register(speaker, element(1))).toBe('accepted');
  speaker.say({ type: 'deregistration', poolHandle: CALC, elementId: 1 });
  await speaker.hears('deregistration-response');
  const [said = []] = relay.seen;
  expect(said.length).toBeGreaterThan(2);
  await sayAgain(registrar.asap, said);
  expect(await registrar.view()).toMatchObject({ pools: [], counters: { registrations: 1 } });

  // The same record twice within its connection ends it.
  relay.change((chunk) => Buffer.concat([chunk, chunk]));
  speaker.say({ type: 'registration', poolHandle: CALC, element: element(1) });
  await speaker.closed;
  const { counters } = await registrar.view();
  expect(counters['registrations']).toBeLessThanOrEqual(2);
});

test('2.10 what was changed on the way is not believed', async () => {
  const registrar = await startRegistrar('registrar/r1');
  const relay = await relayTo(registrar.asap);
  const speaker = await member('element/calc-1', relay.endpoint);
  expect(await register(speaker, element(1))).toBe('accepted');
  relay.change((chunk) => {
    const changed = Buffer.from(chunk);
    const last = changed.length - 1;
    changed[last] = (changed[last] ?? 0) ^ 1;
    return changed;
  });
  speaker.say({ type: 'registration', poolHandle: CALC, element: element(2) });
  expect((await speaker.closed).code).toMatch(/^(peer|failed)$/);
  const { pools, counters } = await registrar.view();
  expect(pools.flatMap(({ elements }) => elements.map(({ id }) => id))).not.toContain('0x00000002');
  expect(counters).toMatchObject({ registrations: 1, malformed: 0 });
});

test('2.11 who listens does not learn the pools; without TLS it does', async () => {
  const handle = encodeUtf8('calc-of-the-house');
  const secured = await startRegistrar('registrar/r1');
  const open = await startRegistrar('registrar/r1', { security: { kind: 'open' } });
  const heard = async (registrar: typeof open) => {
    const relay = await relayTo(registrar.asap);
    const isSecured = registrar === secured;
    const speaker = isSecured
      ? await member('user/u', relay.endpoint)
      : await asapSpeaker(plain('asap'), relay.endpoint);
    speaker.say({ type: 'handle-resolution', sendUpdates: false, poolHandle: handle });
    await speaker.hears('handle-resolution-response');
    const octets = Buffer.concat(relay.seen.flat());
    return { handle: octets.includes(Buffer.from(handle)), whole: octets.includes(Buffer.from(question)) };
  };
  const question = encodeAsap({ type: 'handle-resolution', sendUpdates: false, poolHandle: handle });
  expect(await heard(secured)).toEqual({ handle: false, whole: false });
  expect(await heard(open)).toEqual({ handle: true, whole: true });
});
