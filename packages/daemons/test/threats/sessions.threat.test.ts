// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import {
  cookieSeal,
  PoolElement,
  PoolUser,
  type ServedSession,
  type Session,
  type SessionEvent,
} from '@vnfpool/client';
import type { CertificateScope } from '@vnfpool/runtime/scope-security';
import { testSet } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';
import { startRegistrar } from './secured-scope.ts';

/* RFC 5355 §2.9 and §2.16: sessions that move from one element to another, in a scope of certificates. */

const text = (bytes: Uint8Array | null | undefined) => new TextDecoder().decode(bytes ?? new Uint8Array(0));

async function scope() {
  const set = await testSet('scope');
  const securityOf = async (
    role: 'registrar' | 'element' | 'user',
    name: string,
    addresses = ['127.0.0.1'],
  ): Promise<CertificateScope> => {
    const { key, certificate, ca } = await set.credentials({ role, name }, { addresses });
    return {
      kind: 'certificates',
      ca,
      own: { key, certificate },
      domain: 'scope',
      rules: [{ who: 'element/*', pools: ['calc'], addresses: ['127.0.0.1'] }],
    };
  };
  const registrar = await startRegistrar('r', { security: await securityOf('registrar', 'r') });
  const registrars = [{ host: '127.0.0.1', port: registrar.asap.port }];
  const secret = randomBytes(32);
  const refused: string[] = [];
  const element = async (name: string, addresses?: string[]) => {
    const served: ServedSession[] = [];
    const security = await securityOf('element', name, addresses);
    const listen = { host: '127.0.0.1' };
    const made = new PoolElement({ registrars, security, poolHandle: 'calc', listen });
    onTestFinished(() => made.close());
    await made.serve(
      async (session) => {
        served.push(session);
        let count = Number(text(session.restored) || '0');
        for await (const message of session) {
          count += 1;
          session.saveState(`${count}`);
          await session.send(`${text(message)}${count}`);
        }
      },
      {
        cookies: cookieSeal({ secrets: [secret], poolHandle: 'calc' }),
        onCookieRefused: (fault) => refused.push(fault),
      },
    );
    return { made, served };
  };
  const user = new PoolUser({ registrars, security: await securityOf('user', 'u') });
  onTestFinished(() => user.close());
  return { element, user, refused };
}

const at = (session: Session, { made }: { made: PoolElement }) =>
  expect.poll(() => session.element?.id, { timeout: 4000 }).toBe(made.id);

function reader(session: Session): () => Promise<string> {
  const messages = session[Symbol.asyncIterator]();
  return async () => text((await messages.next()).value as Uint8Array | undefined);
}

test('2.9, 2.16 at failover the application is told, a new context made before anything is said, the state sealed', async () => {
  const { element, user, refused } = await scope();
  const first = await element('e1');
  const events: SessionEvent[] = [];
  const session = await user.open('calc', { onEvent: (event) => events.push(event), pauseMs: 10 });
  const read = reader(session);
  await session.send('a');
  expect(await read()).toBe('a1');
  const second = await element('e2');
  first.made.close();
  await at(session, second);
  await session.send('b');
  expect(await read()).toBe('b2');
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'failed-over', cookieSent: true }) as SessionEvent,
  );
  // Each element had a handshake of its own, and knows the user by it.
  for (const { served } of [first, second]) {
    expect(served.map(({ peer }) => peer.identity?.uris)).toEqual([['spiffe://scope/user/u']]);
  }
  expect(refused).toEqual([]);
});

test('2.9 an element that cannot prove where it is gets neither data nor state', async () => {
  const { element, user } = await scope();
  const false_ = await element('e1', ['10.0.0.1']);
  const opening = user.open('calc', { pauseMs: 10, triesMax: 3, timeoutMs: 3000 });
  await expect(opening).rejects.toThrow();
  expect(false_.served).toEqual([]);
});
