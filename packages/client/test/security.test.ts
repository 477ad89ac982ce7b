// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { PoolElement, PoolUser, type ScopeSecurity, type SessionHandler } from '@vnfpool/client';
import { testSet } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';
import { OpenRegistrar } from './open-scope.ts';

const rules = [{ who: 'element/*', pools: ['echo'] }];
const echo: SessionHandler = async (session) => {
  for await (const message of session) await session.send(message);
};

async function element(
  registrar: OpenRegistrar,
  security: ScopeSecurity,
  more: { readonly data?: 'plain'; readonly poolHandle?: string } = {},
): Promise<PoolElement> {
  const made = new PoolElement({
    registrars: [registrar.address],
    security,
    poolHandle: 'echo',
    listen: { host: '127.0.0.1' },
    ...more,
  });
  onTestFinished(() => made.close());
  await made.serve(echo);
  return made;
}

function user(registrar: OpenRegistrar, security: ScopeSecurity, data?: 'plain'): PoolUser {
  const made = new PoolUser({
    registrars: [registrar.address],
    security,
    ...(data === undefined ? {} : { data }),
  });
  onTestFinished(() => made.close());
  return made;
}

async function isServed(by: PoolUser): Promise<void> {
  const session = await by.open('echo');
  await session.send('hello');
  const { value } = await session[Symbol.asyncIterator]().next();
  expect(new TextDecoder().decode(value as Uint8Array)).toBe('hello');
  session.close();
}

test('shared keys: who holds one registers, within the rules; sessions are plain if that is said', async () => {
  const keys = (['registrar', 'element', 'user'] as const).map((role) => ({
    identity: `${role}/x`,
    role,
    name: 'x',
    key: Uint8Array.from(randomBytes(32)),
  }));
  const as = (role: string): ScopeSecurity => ({
    kind: 'psk',
    identity: `${role}/x`,
    keys: role === 'registrar' ? keys : keys.filter((key) => key.role === role),
    rules,
  });
  const registrar = await new OpenRegistrar(1, as('registrar')).listen();
  await element(registrar, as('element'), { data: 'plain' });
  await isServed(user(registrar, as('user'), 'plain'));
  await expect(user(registrar, as('user')).open('echo', { timeoutMs: 500, triesMax: 1 })).rejects.toThrow();
  await expect(
    element(registrar, as('element'), { data: 'plain', poolHandle: 'other' }),
  ).rejects.toMatchObject({ code: 'rejected' });
});

test('certificates: sessions are secured, also for users without one of their own', async () => {
  const set = await testSet('test');
  const { ca } = await set.credentials({ role: 'user', name: 'u' });
  const scope = { kind: 'certificates', ca, domain: 'test', unsecuredUsers: true, rules } as const;
  const as = async (role: 'registrar' | 'element'): Promise<ScopeSecurity> => {
    const { certificate, key } = await set.credentials({ role, name: 'x' });
    return { ...scope, own: { certificate, key } };
  };
  const registrar = await new OpenRegistrar(1, await as('registrar')).listen();
  await element(registrar, await as('element'));
  await isServed(user(registrar, scope));
  // One whose authority nobody knows is told nothing.
  const stranger = await testSet('test');
  const { ca: otherCa } = await stranger.credentials({ role: 'user', name: 'u' });
  await expect(user(registrar, { ...scope, ca: otherCa }).open('echo', { timeoutMs: 300 })).rejects.toThrow();
});
