// SPDX-License-Identifier: Apache-2.0
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { testSet } from '@vnfpool/testkit/certificates';
import { complianceRule as rule, transportCases } from '@vnfpool/testkit/compliance';
import type { CloseReason, Connection } from '@vnfpool/transport/stream';
import { TlsTransport, type TlsTransportOptions } from '@vnfpool/transport/tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SharedKeyServer } from '../../src/tls/shared-keys.ts';

const key = (octet: number) => new Uint8Array(32).fill(octet);
const keys: Readonly<Record<string, Uint8Array>> = { 'element/a': key(1), 'element/b': key(2) };
const keyOf = (identity: string): Uint8Array | null => keys[identity] ?? null;
const holding = (identity: string, own: Uint8Array = keyOf(identity) ?? key(9)) => ({
  sharedKeys: { own: { identity, key: own }, keyOf: () => null },
});
const set = await testSet('edge');
const registrar = await set.credentials({ role: 'registrar', name: 'r' });

async function listening(options: Partial<TlsTransportOptions> = {}) {
  const failures: string[] = [];
  const transport = new TlsTransport({
    rule,
    sharedKeys: { keyOf },
    limits: { closeTimeoutMs: 50 },
    onHandshakeFailure: ({ reason }) => failures.push(reason),
    ...options,
  });
  const accepted: Connection[] = [];
  const listener = await transport.listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      accepted.push(connection);
      connection.onFrame((frame) => void connection.send(frame.slice()));
    },
  });
  onTestFinished(() => listener.close());
  return { transport, accepted, failures, to: { host: '127.0.0.1', port: listener.address.port } };
}

const frame = Uint8Array.of(0, 0, 0, 5, 1);
const echo = (connection: Connection) =>
  new Promise<Uint8Array | CloseReason>((resolve) => {
    connection.onFrame((echoed) => resolve(Uint8Array.from(echoed)));
    connection.onClose(resolve);
    connection.send(frame);
  });

interface Handshake {
  readonly reused?: boolean;
  readonly protocol?: string;
  readonly cipher?: string;
  readonly certificate?: object;
  readonly before?: string;
  readonly identity?: string;
}

/** A client that minds nothing. */
const raw = (to: { host: string; port: number }, options: ConnectionOptions) =>
  new Promise<{ socket: TLSSocket; error: Error | null }>((resolve) => {
    const socket = tlsConnect({
      ...to,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...options,
    });
    socket.on('error', (error) => resolve({ socket, error }));
    socket.on('data', () => resolve({ socket, error: null }));
    socket.on('close', () => resolve({ socket, error: null }));
    socket.on('secureConnect', () => socket.write(frame));
    onTestFinished(() => void socket.destroy());
  });

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('shared keys from %s on', (minVersion) => {
  test('each end knows the key, and the server whose it is', async () => {
    const { accepted, to } = await listening({ minVersion });
    const near = await new TlsTransport({ rule, minVersion, ...holding('element/b') }).connect(to);
    expect(await echo(near)).toEqual(frame);
    expect(accepted.map(({ peer }) => peer)).toMatchObject([
      { identity: null, sharedKeyIdentity: 'element/b' },
    ]);
    expect(near.peer).toMatchObject({ identity: null, sharedKeyIdentity: 'element/b' });
    near.close();
  });

  test('a wrong key and an identity of nobody get nowhere, and look alike to the peer', async () => {
    const { transport, accepted, failures, to } = await listening({ minVersion });
    const reasons: unknown[] = [];
    for (const own of [holding('element/a', key(7)), holding('element/nobody')]) {
      await new TlsTransport({ rule, minVersion, ...own }).connect(to).catch((error: Error) => {
        reasons.push((error.cause as NodeJS.ErrnoException).code);
      });
    }
    expect(reasons).toHaveLength(2);
    expect(reasons[1]).toBe(reasons[0]);
    expect(accepted).toEqual([]);
    expect(transport.counters).toMatchObject({ accepted: 0, handshakeFailed: 2 });
    expect(failures).toMatchObject([/does not hold the key of element\/a/, /nobody is element\/nobody/]);
  });

  test('a server without the key is refused, also one with a certificate', async () => {
    const stranger = await listening({ minVersion, sharedKeys: { keyOf: () => key(8) } });
    const certified = await listening({
      minVersion,
      credentials: registrar,
      sharedKeys: { keyOf: () => null },
      anonymousPeers: true,
    });
    const { key: _, certificate: __, ca } = registrar;
    const client = new TlsTransport({ rule, minVersion, credentials: { ca }, ...holding('element/a') });
    await expect(client.connect(stranger.to)).rejects.toMatchObject({ code: 'authentication' });
    await expect(client.connect(certified.to)).rejects.toMatchObject({ code: 'authentication' });
  });
});

test('version 1.2 alone works with forward secrecy, where it is offered', async () => {
  const { accepted, to } = await listening({ minVersion: 'TLSv1.2' });
  const client = {
    pskCallback: () => ({ psk: key(1), identity: 'element/a' }),
    maxVersion: 'TLSv1.2',
  } as const;
  for (const ciphers of ['ECDHE-PSK-CHACHA20-POLY1305', 'DHE-PSK-AES128-GCM-SHA256']) {
    const { socket, error } = await raw(to, { ...client, ciphers });
    expect(error).toBeNull();
    expect(socket.getProtocol()).toBe('TLSv1.2');
  }
  expect(accepted.map(({ peer }) => peer.sharedKeyIdentity)).toEqual(['element/a', 'element/a']);
});

test('the suite that RFC 5355 makes mandatory works only where it is set', async () => {
  const client = {
    pskCallback: () => ({ psk: key(1), identity: 'element/a' }),
    maxVersion: 'TLSv1.2',
    ciphers: 'PSK-AES256-CBC-SHA:PSK-AES128-CBC-SHA:PSK-AES128-GCM-SHA256',
  } as const;
  const modern = await listening({ minVersion: 'TLSv1.2' });
  expect((await raw(modern.to, client)).error).not.toBeNull();
  const obsolete = await listening({ minVersion: 'TLSv1.2', obsoleteSuite: true });
  const { socket, error } = await raw(obsolete.to, client);
  expect(error).toBeNull();
  expect(socket.getCipher().name).toBe('PSK-AES128-CBC-SHA');
});

describe('a server with shared keys and a certificate', () => {
  const mixed = { credentials: registrar, anonymousPeers: true, minVersion: 'TLSv1.2' } as const;

  test('knows holders of keys, holders of certificates, and nobody', async () => {
    const { accepted, to } = await listening(mixed);
    const user = await set.credentials({ role: 'user', name: 'u' });
    const clients = [
      new TlsTransport({ rule, ...holding('element/a') }),
      new TlsTransport({ rule, credentials: user }),
      new TlsTransport({ rule, credentials: { ca: user.ca } }),
    ];
    for (const client of clients) {
      const near = await client.connect(to);
      expect(await echo(near)).toEqual(frame);
      near.close();
    }
    expect(accepted.map(({ peer }) => peer.sharedKeyIdentity ?? peer.identity?.uris[0] ?? 'nobody')).toEqual([
      'element/a',
      'spiffe://edge/user/u',
      'nobody',
    ]);
  });

  test('a key that is named but not used proves nothing', async () => {
    const { accepted, to } = await listening(mixed);
    // The client names an identity in 1.3; a suite of another hash makes OpenSSL go on by certificate.
    const named = { pskCallback: () => ({ psk: key(5), identity: 'element/a' }) } as const;
    for (const ciphers of ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256']) {
      await raw(to, { ...named, ciphers, minVersion: 'TLSv1.3' });
    }
    await raw(to, { ...named, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' });
    expect(accepted.map(({ peer }) => peer.sharedKeyIdentity)).not.toContain('element/a');
  });

  test('a certificate that is not of the authority is not the same as none', async () => {
    const { accepted, failures, to } = await listening(mixed);
    const { key: own, certificate } = await (await testSet('edge')).credentials({ role: 'user', name: 'u' });
    await raw(to, { key: own, cert: certificate });
    expect(accepted).toEqual([]);
    expect(failures).toHaveLength(1);
  });
});

test.each(['TLSv1.3', 'TLSv1.2'] as const)('no session is taken up again: %s', async (version) => {
  const { to } = await listening({
    credentials: registrar,
    anonymousPeers: true,
    minVersion: 'TLSv1.2',
  });
  const sessions: Buffer[] = [];
  const common = { minVersion: version, maxVersion: version } as const;
  const first = tlsConnect({
    ...to,
    ...common,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  onTestFinished(() => void first.destroy());
  first.on('session', (session) => sessions.push(session));
  await new Promise((resolve) => {
    first.on('data', resolve);
    first.on('secureConnect', () => first.write(frame));
  });
  const session = sessions.at(-1) ?? first.getSession();
  expect(session).toBeDefined();
  const { socket } = await raw(to, { ...common, ...(session === undefined ? {} : { session }) });
  expect(socket.isSessionReused()).toBe(false);
});

test.each([
  ['1.3, used', { reused: true }, 'element/a'],
  ['1.3, named only', { reused: false }, null],
  ['1.2, used', { protocol: 'TLSv1.2', cipher: 'ECDHE-PSK-CHACHA20-POLY1305' }, 'element/a'],
  ['1.2, named only', { protocol: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' }, null],
  ['with a certificate', { reused: true, certificate: {} }, null],
  ['after another identity', { reused: true, before: 'element/b' }, null],
  ['after the same, as in a second round', { reused: true, before: 'element/a' }, 'element/a'],
  ['after what is none', { reused: true, before: 'a ticket' }, 'element/a'],
  ['by nobody', { reused: true, identity: 'element/nobody' }, null],
])('what a handshake proves: %s', (_, how: Handshake, proved) => {
  const server = new SharedKeyServer({ keyOf });
  const { reused = false, protocol = 'TLSv1.3', cipher = 'TLS_AES_128_GCM_SHA256', certificate } = how;
  const socket = {
    getPeerX509Certificate: () => certificate,
    getProtocol: () => protocol,
    getCipher: () => ({ name: cipher }),
    isSessionReused: () => reused,
  } as unknown as TLSSocket;
  if (how.before !== undefined) server.answer(socket, how.before);
  expect(server.answer(socket, how.identity ?? 'element/a')).toHaveLength(32);
  expect(server.provedBy(socket)).toBe(proved);
});

test('an identity of nobody always has the same key, and no other server has it', () => {
  const [one, other] = [new SharedKeyServer({ keyOf }), new SharedKeyServer({ keyOf })];
  const socket = {} as TLSSocket;
  const unknown = one.answer(socket, 'element/nobody');
  expect(one.answer(socket, 'element/nobody')).toEqual(unknown);
  expect(one.answer(socket, 'element/nemo')).not.toEqual(unknown);
  expect(other.answer(socket, 'element/nobody')).not.toEqual(unknown);
});

describe('the compliance suite over shared keys', () => {
  test.each(transportCases)('$name', async (each) => {
    await each.run((limits) => ({
      server: new TlsTransport({ rule, sharedKeys: { keyOf }, limits }),
      client: new TlsTransport({ rule, ...holding('element/a'), limits }),
    }));
  });
});
