// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join as joinPath } from 'node:path';
import { Authority } from '@vnfpool/runtime/authority';
import {
  type CertificateRole,
  type Credentials,
  createPrivateKeyPem,
  createRequestPem,
  loadKey,
  renewAtMs,
  storeKey,
} from '@vnfpool/runtime/certificates';
import {
  announceRegistrar,
  becomeMember,
  formatToken,
  join,
  keepRenewed,
  MemoryTokenLedger,
  parseToken,
  renew,
} from '@vnfpool/runtime/join';
import {
  type JoinEvent,
  type JoinServerOptions,
  RateLimit,
  startJoinServer,
} from '@vnfpool/runtime/join-server';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

async function manager(options: Partial<JoinServerOptions> = {}) {
  let skewMs = 0;
  const nowMs = () => Date.now() + skewMs;
  const { authority } = await Authority.create('edge', nowMs());
  const ledger = new MemoryTokenLedger(nowMs);
  const events: JoinEvent[] = [];
  const key = createPrivateKeyPem();
  const certificate = await authority.issue(
    createRequestPem(key, 'm'),
    { identity: { role: 'manager', name: 'm' } },
    nowMs(),
  );
  const server = await startJoinServer({
    host: '127.0.0.1',
    port: 0,
    authority,
    ledger,
    credentials: { key, certificate, ca: authority.certificatePem },
    onEvent: (event) => events.push(event),
    nowMs,
    ...options,
  });
  onTestFinished(() => server.close());
  const token = async (role: CertificateRole, name: string | null = null, ttlMs = 60_000, change = {}) =>
    formatToken({
      address: server.address,
      port: server.port,
      caFingerprint: authority.fingerprint,
      ...(await ledger.create(role, name, ttlMs)),
      ...change,
    });
  return {
    authority,
    server,
    events,
    token,
    refusals: () => events.flatMap((event) => (event.type === 'refused' ? [event.reason] : [])),
    later: (ms: number) => {
      skewMs += ms;
    },
  };
}

const base = (name: string, role: CertificateRole = 'registrar') => ({
  folder: temporaryFolder(),
  role,
  name,
});

test('a node joins once, is told its id, and finds its credentials again', async () => {
  const { token, events } = await manager({ describeSet: (joined) => ({ greeting: joined.name }) });
  const options = { ...base('rack-a', 'node'), leaseKey: randomBytes(32).toString('base64url') };
  const first = await join({ ...options, token: await token('node'), addresses: ['127.0.0.1'] });
  expect(first.identity).toEqual({ domain: 'edge', role: 'node', id: 1, name: 'rack-a' });
  expect(first).toMatchObject({ fresh: true, set: { greeting: 'rack-a' } });
  expect(events).toMatchObject([{ type: 'joined', identity: { id: 1 } }]);
  for (const name of readdirSync(options.folder)) {
    expect(statSync(joinPath(options.folder, name)).mode & 0o777).toBe(0o600);
  }
  const again = await join(options);
  expect(again).toMatchObject({ fresh: false, identity: first.identity });
  expect(events).toHaveLength(1);
});

test('an answer that got lost is given again to the same key, and to no other', async () => {
  const { token, refusals } = await manager();
  const text = await token('node');
  const options = base('rack-a', 'node');
  const first = await join({ ...options, token: text });
  const repeat = { ...base('rack-a', 'node'), token: text };
  // The state of a joiner that was killed after the manager had accepted it: a key, no certificate.
  storeKey(repeat.folder, loadKey(options.folder) ?? '');
  expect((await join(repeat)).identity).toEqual(first.identity);
  await expect(join({ ...base('rack-a', 'node'), token: text })).rejects.toMatchObject({
    code: 'refused',
    reason: 'used',
  });
  expect(refusals()).toEqual(['used']);
});

test.each([
  ['unknown-token', {}, { tokenId: 'ffff' }, 0],
  ['wrong-secret', {}, { secret: 'guess' }, 0],
  ['expired', {}, {}, 60_001],
  ['role-mismatch', { role: 'manager' as const }, {}, 0],
  ['name-mismatch', { name: 'other' }, {}, 0],
])('refuses: %s', async (reason, options, change, laterMs) => {
  const { token, refusals, later } = await manager();
  const text = await token('registrar', 'r1', 60_000, change);
  later(laterMs);
  await expect(join({ ...base('r1'), token: text, ...options })).rejects.toMatchObject({
    name: 'JoinError',
    code: 'refused',
    reason,
  });
  expect(refusals()).toEqual([reason]);
});

test('refuses a name that is taken', async () => {
  const { token, refusals } = await manager();
  await join({ ...base('r1'), token: await token('registrar') });
  await expect(join({ ...base('r1'), token: await token('registrar') })).rejects.toMatchObject({
    reason: 'name-in-use',
  });
  expect(refusals()).toEqual(['name-in-use']);
});

test('a joiner does not spend its token on an impostor', async () => {
  const { token } = await manager();
  const { token: fake, events } = await manager();
  const real = await token('registrar', null, 60_000, {});
  // The impostor's port with the real authority's fingerprint.
  const mixed = formatToken({ ...parseToken(real), port: parseToken(await fake('registrar')).port });
  await expect(join({ ...base('r1'), token: mixed })).rejects.toMatchObject({ code: 'impostor' });
  expect(events).toEqual([]);
});

test('a member of the set that is not the manager is no manager', async () => {
  const { authority, token } = await manager();
  const key = createPrivateKeyPem();
  const certificate = await authority.issue(
    createRequestPem(key, 'r'),
    { identity: { role: 'registrar', name: 'r' }, addresses: ['127.0.0.1'] },
    Date.now(),
  );
  const { token: _, server } = await manager({
    authority,
    credentials: { key, certificate, ca: authority.certificatePem },
  });
  const text = formatToken({ ...parseToken(await token('registrar')), port: server.port });
  await expect(join({ ...base('r1'), token: text })).rejects.toMatchObject({ code: 'impostor' });
});

test('without token or credentials there is no way in', async () => {
  await expect(join(base('r1'))).rejects.toMatchObject({ code: 'no-token' });
});

test('renews by the present certificate, unless removed', async () => {
  let removed = false;
  const { token, server, refusals } = await manager({ mayRenew: () => !removed });
  const options = base('r1');
  const first = await join({ ...options, token: await token('registrar') });
  const next = await renew(server, { ...options, credentials: first.credentials });
  expect(next.identity).toEqual(first.identity);
  expect(next.credentials.certificate).not.toBe(first.credentials.certificate);
  expect((await join(options)).credentials).toEqual(next.credentials);
  removed = true;
  await expect(renew(server, { ...options, credentials: next.credentials })).rejects.toMatchObject({
    reason: 'removed',
  });
  expect(refusals()).toEqual(['removed']);
});

test('the next certificate is asked for at the next manager when one cannot be reached', async () => {
  const { token, server, events } = await manager();
  const closed = await manager();
  const dead = { address: closed.server.address, port: closed.server.port };
  await closed.server.close();
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const options = { ...base('r1'), signal: ending.signal, onRetry: () => {} };
  const member = await becomeMember({ ...options, token: await token('registrar') });
  // Two thirds of its life are over.
  const nowMs = () => renewAtMs(member.credentials.certificate);
  const renewed = await new Promise<Credentials>((onRenewed, reject) => {
    keepRenewed(
      { ...member, manager: dead },
      {
        ...options,
        nowMs,
        onRenewed,
        managers: () => [dead, { address: server.address, port: server.port }],
      },
    ).catch(reject);
  });
  expect(renewed.certificate).not.toBe(member.credentials.certificate);
  expect(events.map(({ type }) => type)).toEqual(['joined', 'renewed']);
});

test('a registrar announces itself; a node, or nobody, does not', async () => {
  const { token, server, events, refusals, authority } = await manager();
  const registrar = await join({ ...base('r1'), token: await token('registrar') });
  await announceRegistrar(server, registrar.credentials, { address: '127.0.0.1', port: 3864 });
  expect(events.at(-1)).toMatchObject({ type: 'registrar', at: { address: '127.0.0.1', port: 3864 } });
  const node = await join({ ...base('n1', 'node'), token: await token('node') });
  const announcement = { address: '127.0.0.1', port: 3864 };
  await expect(announceRegistrar(server, node.credentials, announcement)).rejects.toMatchObject({
    reason: 'role',
  });
  const status = await post(
    server.port,
    authority.certificatePem,
    '/registrar',
    JSON.stringify(announcement),
  );
  expect(status).toBe(403);
  expect(refusals()).toEqual(['role', 'certificate']);
});

test.each([
  ['an over-long body', 'x'.repeat(40_000), 400],
  ['no JSON', 'x', 400],
  ['a list', '[]', 400],
  ['missing fields', '{}', 400],
  ['a name that is none', JSON.stringify({ role: 'user', name: '../x' }), 400],
])('answers 400 to %s', async (_, body, status) => {
  const { server, authority, refusals } = await manager();
  expect(await post(server.port, authority.certificatePem, '/join', body)).toBe(status);
  expect(refusals()).toEqual(['malformed']);
});

test('a broken request does not cost the token', async () => {
  const { token, server, authority } = await manager();
  const text = await token('user');
  const { tokenId, secret } = parseToken(text);
  const body = JSON.stringify({ tokenId, secret, role: 'user', name: 'u', csr: 'nonsense' });
  expect(await post(server.port, authority.certificatePem, '/join', body)).toBe(400);
  expect((await join({ ...base('u', 'user'), token: text })).identity.role).toBe('user');
});

test('slows down whoever tries often', async () => {
  const { server, authority, refusals } = await manager({ rate: { burst: 3, perSecond: 0.001 } });
  const statuses = [];
  for (let each = 0; each < 5; each += 1)
    statuses.push(await post(server.port, authority.certificatePem, '/join', '{}'));
  expect(statuses).toEqual([400, 400, 400, 429, 429]);
  expect(refusals().filter((reason) => reason === 'rate')).toHaveLength(2);
});

test('a joiner that is slowed down may try again', async () => {
  const { token } = await manager({ rate: { burst: 1, perSecond: 0.001 } });
  const options = { ...base('r1'), token: await token('registrar') };
  await expect(join(options)).rejects.toMatchObject({ code: 'unreachable' });
  await expect(join(options)).rejects.toMatchObject({ code: 'unreachable' });
});

test('the rate limit refills, and forgets the oldest at its bound', () => {
  const limit = new RateLimit({ burst: 2, perSecond: 1, addressesMax: 2 });
  expect([limit.admit('a', 0), limit.admit('a', 0), limit.admit('a', 0)]).toEqual([true, true, false]);
  expect([limit.admit('a', 1000), limit.admit('a', 1000)]).toEqual([true, false]);
  limit.admit('b', 1000);
  limit.admit('c', 1000);
  expect(limit.admit('a', 1000)).toBe(true);
});

test('the key file holds the key that the certificate is for', async () => {
  const { token } = await manager();
  const options = base('r1');
  const { credentials } = await join({ ...options, token: await token('registrar') });
  expect(readFileSync(joinPath(options.folder, 'key.pem'), 'utf8')).toBe(credentials.key);
});

function post(port: number, ca: string, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const out = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path,
        ca,
        checkServerIdentity: () => undefined,
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    out.once('error', reject);
    out.end(body);
  });
}
