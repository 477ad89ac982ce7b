// SPDX-License-Identifier: Apache-2.0
import { PoolUserCore, type PoolUserInput, type PoolUserOutput } from '@vnfpool/core/pool-user';
import type { RegistrarAddress } from '@vnfpool/core/registrar-hunt';
import { RegistrarLinks, readAsap } from '@vnfpool/runtime/asap';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import type { ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { systemRandom } from '@vnfpool/runtime/random';
import { type ScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import { testSet } from '@vnfpool/testkit/certificates';
import type { StreamTransport } from '@vnfpool/transport/stream';
import type { AsapMessage, ServerAnnounce } from '@vnfpool/wire/asap';
import { encodeAsap } from '@vnfpool/wire/asap';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  CALC,
  element,
  member,
  register,
  securityOf,
  startRegistrar,
  type TestRegistrar,
} from './secured-scope.ts';

/* RFC 5355 §2.6, §2.7 and §2.12: who looks for a registrar meets false ones first. */

/** A pool user that hunts over a transport; one registrar at a time, so that it meets the false one first. */
function huntingUser(transport: StreamTransport, registrars: readonly RegistrarAddress[]) {
  const troubles: string[] = [];
  let answer: (output: PoolUserOutput) => void = () => {};
  const answered = new Promise<PoolUserOutput>((resolve) => {
    answer = resolve;
  });
  const core = new PoolUserCore({ registrars, attemptsAtOnce: 1, backoffMinMs: 10 }, systemRandom());
  const links: RegistrarLinks = new RegistrarLinks({
    transport,
    submit: (input) => driver.submit(input),
    onTrouble: ({ registrar, reason }) => troubles.push(`${registrar}: ${reason}`),
  });
  const driver: CoreDriver<PoolUserInput, PoolUserOutput> = new CoreDriver<PoolUserInput, PoolUserOutput>({
    core,
    clock: systemClock(),
    effects: {
      connect: ({ association, registrar }) => links.connect(association, registrar),
      disconnect: ({ association }) => links.disconnect(association),
      send: ({ association, message }) => links.send(association, message),
      resolved: answer,
      unresolved: answer,
      'pool-changed': () => {},
    },
    onFault: ({ error }) => {
      throw error;
    },
  });
  onTestFinished(() => {
    driver.stop();
    links.close();
  });
  return {
    troubles,
    answered,
    resolve: () => driver.submit({ type: 'resolve', request: 1, poolHandle: CALC }),
    hear: (message: ServerAnnounce) => driver.submit({ type: 'announcement', message, source: '127.0.0.1' }),
  };
}

/** Answers every resolution with an element of its own. */
async function falseRegistrar(
  security: ScopeSecurity,
): Promise<ScopeEndpoint & { readonly heard: AsapMessage[] }> {
  const heard: AsapMessage[] = [];
  const listener = await scopeGuard(security, 'registrar')
    .transport({ protocol: 'asap' })
    .listen({
      host: '127.0.0.1',
      port: 0,
      onConnection: (connection) =>
        connection.onFrame((frame) => {
          const incoming = readAsap(frame);
          if (incoming.type === 'message') heard.push(incoming.message);
          const response = {
            type: 'handle-resolution-response',
            updatesAccepted: false,
            poolHandle: CALC,
          } as const;
          connection.send(encodeAsap({ ...response, elements: [element(66)], causes: [] }));
        }),
    });
  onTestFinished(() => listener.close());
  return { kind: 'tls', addresses: ['127.0.0.1'], port: listener.address.port, heard };
}

const addressOf = ({ port }: ScopeEndpoint): RegistrarAddress => ({ host: '127.0.0.1', port });

async function honestWithElement(): Promise<TestRegistrar> {
  const registrar = await startRegistrar('registrar/r1');
  const honest = await member('element/calc-1', registrar.asap);
  expect(await register(honest, element(1))).toBe('accepted');
  return registrar;
}

function otherKeys() {
  const own = securityOf('registrar/r2');
  return { ...own, keys: own.keys.map((each) => ({ ...each, key: each.key.map((octet) => 255 - octet) })) };
}

test('2.6 an element says nothing to a false registrar, and registers at a true one', async () => {
  const false_ = await falseRegistrar(otherKeys());
  await expect(member('element/calc-1', false_)).rejects.toMatchObject({ code: 'authentication' });
  expect(false_.heard).toEqual([]);
  const registrar = await startRegistrar('registrar/r1');
  expect(await register(await member('element/calc-1', registrar.asap), element(1))).toBe('accepted');
});

describe('RFC 5355 §2.7', () => {
  test('2.7 a user does not ask a false registrar, and gets its answer from the next', async () => {
    const [false_, honest] = [await falseRegistrar(otherKeys()), await honestWithElement()];
    const transport = scopeGuard(securityOf('user/u'), 'user').transport({ protocol: 'asap' });
    const user = huntingUser(transport, [addressOf(false_), addressOf(honest.asap)]);
    user.resolve();
    expect(await user.answered).toMatchObject({ type: 'resolved', element: { id: 1 } });
    expect(user.troubles).toHaveLength(1);
    expect(false_.heard).toEqual([]);
  });

  test.each([
    ['of another authority', 'other', ['127.0.0.1'], 'registrar'],
    ['that names another address', 'own', ['10.0.0.1'], 'registrar'],
    ['of an element', 'own', ['127.0.0.1'], 'element'],
  ] as const)('2.7 nor one with a certificate %s', async (_, authority, addresses, role) => {
    const sets = { own: await testSet('scope'), other: await testSet('scope') };
    const security = async (
      who: 'registrar' | 'element' | 'user',
      from: 'own' | 'other',
      named: readonly string[],
    ) => {
      const { key, certificate, ca } = await sets[from].credentials(
        { role: who, name: 'n' },
        { addresses: named },
      );
      return { kind: 'certificates', ca, own: { key, certificate }, domain: 'scope' } as const;
    };
    const false_ = await falseRegistrar(await security(role, authority, addresses));
    const honest = await falseRegistrar(await security('registrar', 'own', ['127.0.0.1']));
    const guard = scopeGuard(await security('user', 'own', []), 'user');
    const user = huntingUser(guard.transport({ protocol: 'asap' }), [addressOf(false_), addressOf(honest)]);
    user.resolve();
    expect(await user.answered).toMatchObject({ type: 'resolved' });
    expect(false_.heard).toEqual([]);
    expect(honest.heard).toHaveLength(1);
    expect(user.troubles).toHaveLength(1);
  });
});

describe('RFC 5355 §2.12', () => {
  const announcement = (port: number): ServerAnnounce => ({
    type: 'server-announce',
    registrarId: 1,
    transports: [{ type: 'tcp', address: '127.0.0.1', port }],
  });

  test('2.12 a false announcement leads to a handshake that fails, and to the next registrar', async () => {
    const [false_, honest] = [await falseRegistrar(otherKeys()), await honestWithElement()];
    const transport = scopeGuard(securityOf('user/u'), 'user').transport({ protocol: 'asap' });
    const user = huntingUser(transport, []);
    user.hear(announcement(false_.port));
    user.hear(announcement(honest.asap.port));
    user.resolve();
    expect(await user.answered).toMatchObject({ type: 'resolved', element: { id: 1 } });
    expect(user.troubles[0]).toContain(String(false_.port));
    expect(false_.heard).toEqual([]);
  });

  test('2.12 where announcements are suppressed, configured registrars remain', async () => {
    const honest = await honestWithElement();
    const transport = scopeGuard(securityOf('user/u'), 'user').transport({ protocol: 'asap' });
    const user = huntingUser(transport, [addressOf(honest.asap)]);
    user.resolve();
    expect(await user.answered).toMatchObject({ type: 'resolved', element: { id: 1 } });
  });

  test('2.12 a flood of announcements does not fill the memory, nor push out what is configured', async () => {
    const honest = await honestWithElement();
    const transport = scopeGuard(securityOf('user/u'), 'user').transport({ protocol: 'asap' });
    const user = huntingUser(transport, [addressOf(honest.asap)]);
    for (let port = 1; port <= 1000; port += 1) user.hear(announcement(port));
    user.resolve();
    expect(await user.answered).toMatchObject({ type: 'resolved', element: { id: 1 } });
  });
});
