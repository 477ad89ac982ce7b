// SPDX-License-Identifier: Apache-2.0
import { fingerprintOf } from '@vnfpool/runtime/certificates';
import { type ScopeSecurity, ScopeSecurityError, scopeGuard } from '@vnfpool/runtime/scope-security';
import { testSet } from '@vnfpool/testkit/certificates';
import { describe, expect, test } from 'vitest';
import { certificateScope, greet, listening, sharedKey } from './scope-on-loopback.ts';

const { authority, member } = await certificateScope();
const registrar = await member('r1.registrars.example');
const element = await member('calc.elements.example');
const user = await member('u.users.example');
const asap = { protocol: 'asap' } as const;
const enrp = { protocol: 'enrp' } as const;

describe('certificates', () => {
  test('identities by mapping, with the addresses they come from', async () => {
    const server = await listening(scopeGuard(registrar, 'registrar'), 'asap');
    expect(await greet(scopeGuard(element, 'element').transport(asap), server.port)).toBe('echo');
    expect(await greet(scopeGuard(user, 'user').transport(asap), server.port)).toBe('echo');
    expect(server.identities).toEqual([
      { role: 'element', name: 'calc.elements.example', mayRegister: true, addresses: ['127.0.0.1'] },
      { role: 'user', name: 'u.users.example', mayRegister: false, addresses: ['127.0.0.1'] },
    ]);
  });

  test('who fits no mapping is refused', async () => {
    const server = await listening(scopeGuard(registrar, 'registrar'), 'asap');
    const stranger = scopeGuard(await member('x.example'), 'user');
    expect(await greet(stranger.transport(asap), server.port)).toBe('refused by the server');
    expect(server.refusals).toEqual(['the certificate is nobody that this scope knows']);
  });

  test('an element is no registrar, at either end', async () => {
    const server = await listening(scopeGuard(registrar, 'registrar'), 'enrp');
    const guard = scopeGuard({ ...element, identities: registrar.identities ?? [] }, 'registrar');
    expect(await greet(guard.transport(enrp), server.port)).toBe('refused by the server');
    const impostor = await listening(guard, 'asap');
    expect(await greet(scopeGuard(user, 'user').transport(asap), impostor.port)).toBe('refused by us');
  });

  test('2.14 an element is called on by registrars only', async () => {
    const server = await listening(scopeGuard(element, 'element'), 'asap');
    expect(await greet(scopeGuard(registrar, 'registrar').transport(asap), server.port)).toBe('echo');
    for (const other of [user, await member('web.elements.example')]) {
      const caller = scopeGuard({ ...other, identities: [{ role: 'registrar' }] }, 'user');
      expect(await greet(caller.transport(asap), server.port)).toBe('refused by the server');
    }
    expect(server.identities).toMatchObject([{ role: 'registrar' }]);
  });

  test('a registrar whose certificate names another address is refused, without another try', async () => {
    const elsewhere = await member('r2.registrars.example', ['10.0.0.1']);
    const server = await listening(scopeGuard(elsewhere, 'registrar'), 'asap');
    const transport = scopeGuard(user, 'user').transport(asap);
    expect(await greet(transport, server.port)).toBe('refused by us');
    expect(transport.counters.handshakeFailed).toBe(1);
    expect(transport.counters.connected).toBe(0);
  });

  test('a user needs no certificate where registrars are told so, and no mapping to know the registrar', async () => {
    const bare: ScopeSecurity = { kind: 'certificates', ca: registrar.ca };
    const strict = await listening(scopeGuard(registrar, 'registrar'), 'asap');
    expect(await greet(scopeGuard(bare, 'user').transport(asap), strict.port)).toBe('refused by the server');
    const open = { ...registrar, unsecuredUsers: true };
    const lenient = await listening(scopeGuard(open, 'registrar'), 'asap');
    expect(await greet(scopeGuard(bare, 'user').transport(asap), lenient.port)).toBe('echo');
    expect(lenient.identities).toEqual([null]);
    const peers = await listening(scopeGuard(open, 'registrar'), 'enrp');
    expect(await greet(scopeGuard(bare, 'user').transport(enrp), peers.port)).toBe('refused by the server');
  });

  test('a revoked certificate is refused, and after renewal is nobody', async () => {
    const guard = scopeGuard(registrar, 'registrar');
    const server = await listening(guard, 'asap');
    const transport = scopeGuard(element, 'element').transport(asap);
    expect(await greet(transport, server.port)).toBe('echo');
    guard.renew({ ...registrar, revoked: [fingerprintOf(element.own?.certificate ?? '')] });
    expect(await greet(transport, server.port)).toBe('refused by the server');
    expect(server.refusals).toEqual(['the certificate is revoked']);
    expect(server.accepted.map((each) => guard.identityOf(each))).toEqual([null]);
  });

  test('renewal takes new certificates and rules', async () => {
    const other = await certificateScope();
    const guard = scopeGuard(registrar, 'registrar');
    const server = await listening(guard, 'asap');
    guard.renew(await other.member('r1.registrars.example'));
    const theirs = scopeGuard(await other.member('calc.elements.example'), 'element');
    expect(await greet(theirs.transport(asap), server.port)).toBe('echo');
    expect(await greet(scopeGuard(element, 'element').transport(asap), server.port)).toBe('refused by us');
    expect(() => guard.renew({ kind: 'open' })).toThrow(ScopeSecurityError);
  });

  test('certificates that name themselves by our scheme need no mapping', async () => {
    const { identities: _, ...rest } = registrar;
    const { key, certificate } = await authority.credentials({ role: 'registrar', name: 'r3' });
    const own = { ...rest, domain: 'elsewhere', own: { key, certificate } };
    const server = await listening(scopeGuard(own, 'registrar'), 'asap');
    expect(await greet(scopeGuard(user, 'user').transport(asap), server.port)).toBe('refused by us');
    const { identities: __, ...plain } = user;
    expect(
      await greet(scopeGuard({ ...plain, domain: 'elsewhere' }, 'user').transport(asap), server.port),
    ).toBe('echo');
    expect(server.identities.at(-1)).toMatchObject({ role: 'user', name: 'u.users.example' });
  });
});

describe('shared keys', () => {
  const r1 = sharedKey('registrar', 'r1', 1);
  const r2 = sharedKey('registrar', 'r2', 40);
  const e = sharedKey('element', 'calc', 80);
  const u = sharedKey('user', 'u', 120);
  const psk = (identity: string, ...keys: (typeof r1)[]) => ({ kind: 'psk', identity, keys }) as const;
  const all = [r1, r2, e, u];

  test('who holds the key is the identity, which does not hold the key', async () => {
    const server = await listening(scopeGuard(psk('registrar/r1', ...all), 'registrar'), 'asap');
    const guard = scopeGuard(psk('element/calc', e), 'element');
    expect(await greet(guard.transport(asap), server.port)).toBe('echo');
    expect(server.identities).toEqual([
      {
        role: 'element',
        name: 'calc',
        mayRegister: true,
        addresses: ['127.0.0.1'],
      },
    ]);
  });

  test('registrars know each other, and nobody else is let in between them', async () => {
    const server = await listening(scopeGuard(psk('registrar/r1', ...all), 'registrar'), 'enrp');
    const peer = scopeGuard(psk('registrar/r2', ...all), 'registrar');
    expect(await greet(peer.transport(enrp), server.port)).toBe('echo');
    expect(server.identities).toMatchObject([{ role: 'registrar', name: 'r2' }]);
    for (const each of [e, u]) {
      const guard = scopeGuard(psk(each.identity, each), 'registrar');
      expect(await greet(guard.transport(enrp), server.port)).toBe('refused by us');
    }
    expect(server.refusals).toMatchObject([/nobody is element\/calc/, /nobody is user\/u/]);
  });

  test('our own identity is nobody else: a handshake thrown back at us fails', async () => {
    const guard = scopeGuard(psk('registrar/r1', ...all), 'registrar');
    const server = await listening(guard, 'enrp');
    expect(await greet(guard.transport(enrp), server.port)).toBe('refused by us');
    expect(server.identities).toEqual([]);
  });

  test('a key taken from the file is refused from then on', async () => {
    const guard = scopeGuard(psk('registrar/r1', ...all), 'registrar');
    const server = await listening(guard, 'asap');
    const transport = scopeGuard(psk('element/calc', e), 'element').transport(asap);
    expect(await greet(transport, server.port)).toBe('echo');
    guard.renew(psk('registrar/r1', r1, r2, u));
    expect(await greet(transport, server.port)).toBe('refused by us');
    expect(server.accepted.map((each) => guard.identityOf(each))).toEqual([null]);
  });

  test('users without a key know the registrar by certificate, where it has one', async () => {
    const security = { ...psk('registrar/r1', ...all), ...(registrar.own && { own: registrar.own }) };
    const server = await listening(scopeGuard(security, 'registrar'), 'asap');
    const bare = scopeGuard({ kind: 'certificates', ca: registrar.ca }, 'user');
    expect(await greet(bare.transport(asap), server.port)).toBe('echo');
    expect(await greet(scopeGuard(psk('element/calc', e), 'element').transport(asap), server.port)).toBe(
      'echo',
    );
    expect(await greet(scopeGuard(user, 'user').transport(asap), server.port)).toBe('refused by the server');
    expect(server.identities).toMatchObject([null, { name: 'calc' }]);
  });
});

test('a set: roles only, as within it', async () => {
  const set = await testSet('edge');
  const of = async (role: 'registrar' | 'node', addresses?: string[]) =>
    ({
      kind: 'set',
      domain: 'edge',
      credentials: await set.credentials(
        role === 'node' ? { role, id: 7, name: 'n7' } : { role, name: 'r' },
        addresses === undefined ? {} : { addresses },
      ),
    }) as const;
  const guard = scopeGuard(await of('registrar', ['10.0.0.1']), 'registrar');
  const server = await listening(guard, 'asap');
  expect(await greet(scopeGuard(await of('node'), 'element').transport(asap), server.port)).toBe('echo');
  expect(server.identities).toMatchObject([{ role: 'node', name: 'n7', mayRegister: true }]);
});

describe('nothing weaker than the scope', () => {
  const uses = ['tcp', 'mptcp', 'sctp'].flatMap((kind) =>
    ['asap', 'enrp'].flatMap((protocol) =>
      ['listen', 'connect'].map((side) => ({ kind, protocol, side }) as never),
    ),
  );
  test.each(['registrar', 'element', 'user'] as const)('no plain endpoint of a %s', (as) => {
    const guard = scopeGuard(registrar, as);
    expect(uses.filter((use) => guard.refusal(use) === null)).toEqual([]);
    expect(() => guard.transport({ protocol: 'asap', kind: 'tcp' })).toThrow(/not secured/);
    expect(guard.refusal({ kind: 'tls', protocol: 'enrp', side: 'connect' })).toBeNull();
  });

  test('users are answered without security only where it is set, by registrars, over ASAP', async () => {
    const guard = scopeGuard({ ...registrar, unsecuredUsers: true }, 'registrar');
    expect(uses.filter((use) => guard.refusal(use) === null)).toEqual(
      ['tcp', 'mptcp', 'sctp'].map((kind) => ({ kind, protocol: 'asap', side: 'listen' })),
    );
    expect(() => guard.transport({ protocol: 'enrp', kind: 'tcp' })).toThrow(/not secured/);
    const server = await listening(guard, 'asap', 'tcp');
    expect(await greet(scopeGuard({ kind: 'open' }, 'user').transport(asap), server.port)).toBe('echo');
    expect(server.identities).toEqual([null]);
    expect(await greet(guard.transport({ protocol: 'asap', kind: 'tcp' }), server.port)).toBe(
      'refused by us',
    );
    expect(guard.registrarOptions).toEqual({ openRegistration: false, openPeering: false });
  });

  test('an open scope has no TLS to feel safe by', () => {
    const guard = scopeGuard({ kind: 'open' }, 'registrar');
    expect(guard.secured).toBe(false);
    expect(guard.refusal({ kind: 'tls', protocol: 'asap', side: 'listen' })).toMatch(/open scope/);
    expect(() => guard.transport({ protocol: 'asap', kind: 'tls' })).toThrow(/open scope/);
    expect(guard.refusal({ kind: 'sctp', protocol: 'asap', side: 'listen' })).toBeNull();
    expect(() => guard.renew(registrar)).toThrow(ScopeSecurityError);
  });
});

describe('descriptions that cannot be meant', () => {
  const key = sharedKey('registrar', 'r', 1);
  const psk = (change: object) =>
    ({ kind: 'psk', identity: 'registrar/r', keys: [key], ...change }) as ScopeSecurity;
  const { identities: _, ...unmapped } = registrar;
  const { own: __, ...bare } = registrar;
  test.each<[string, ScopeSecurity, RegExp]>([
    ['a registrar that cannot tell who is who', unmapped, /needs identities/],
    ['a registrar without certificate', bare, /needs a certificate/],
    [
      'a certificate of another key',
      { ...registrar, own: { ...registrar.own, key: element.own?.key } as never },
      /not for the key/,
    ],
    ['a certificate that is none', { ...registrar, own: { certificate: 'x', key: 'y' } }, /cannot be read/],
    ['a fingerprint that is none', { ...registrar, revoked: ['ab'] }, /no SHA-256/],
    ['an identity without key', psk({ identity: 'registrar/x' }), /no key of registrar\/x/],
    ['a short key', psk({ keys: [{ ...key, key: key.key.slice(0, 15) }] }), /15 octets/],
    ['a long key', psk({ keys: [{ ...key, key: new Uint8Array(65) }] }), /65 octets/],
    [
      'a key of one octet, again and again',
      psk({ keys: [{ ...key, key: new Uint8Array(32) }] }),
      /not random/,
    ],
    ['two keys of one identity', psk({ keys: [key, { ...key, key: key.key.toReversed() }] }), /two keys/],
    ['one key of two identities', psk({ keys: [key, { ...key, identity: 'b' }] }), /same key/],
    ['an identity that is no text', psk({ keys: [{ ...key, identity: 'a b' }] }), /visible ASCII/],
  ])('%s', (_what, security, message) => {
    expect(() => scopeGuard(security, 'registrar')).toThrow(message);
  });
});
