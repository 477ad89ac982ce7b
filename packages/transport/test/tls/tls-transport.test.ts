// SPDX-License-Identifier: Apache-2.0
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { testSet } from '@vnfpool/testkit/certificates';
import { complianceRule as rule } from '@vnfpool/testkit/compliance';
import type { CloseReason, Connection } from '@vnfpool/transport/stream';
import { TlsTransport, type TlsTransportOptions } from '@vnfpool/transport/tls';
import { expect, onTestFinished, test } from 'vitest';

const set = await testSet('edge');
const registrar = await set.credentials({ role: 'registrar', name: 'r' });
const user = await set.credentials({ role: 'user', name: 'u' });

async function listening(options: Partial<TlsTransportOptions> = {}) {
  const transport = new TlsTransport({
    rule,
    credentials: registrar,
    limits: { closeTimeoutMs: 50 },
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
  return { transport, accepted, to: { host: '127.0.0.1', port: listener.address.port } };
}

const closing = (connection: Connection) =>
  new Promise<CloseReason>((resolve) => {
    connection.onFrame(() => {});
    connection.onClose(resolve);
  });
const frame = Uint8Array.of(0, 0, 0, 5, 1);

test('both ends know who the other is', async () => {
  const { accepted, to } = await listening();
  const near = await new TlsTransport({ rule, credentials: user }).connect(to);
  const echoed = new Promise((resolve) => {
    near.onFrame(resolve);
  });
  near.send(frame);
  await echoed;
  expect(parseIdentity(near.peer.identity ?? fail())).toEqual({
    domain: 'edge',
    role: 'registrar',
    name: 'r',
  });
  expect(parseIdentity(accepted[0]?.peer.identity ?? fail())).toEqual({
    domain: 'edge',
    role: 'user',
    name: 'u',
  });
  expect(near.peer.identity?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  near.close();
});

test('a client of another authority learns of its refusal after connecting', async () => {
  const failures: string[] = [];
  const { transport, accepted, to } = await listening({
    onHandshakeFailure: ({ reason }) => failures.push(reason),
  });
  const stranger = await (await testSet('edge')).credentials({ role: 'user', name: 'u' });
  // It believes the server but has nothing that the server believes.
  const near = await new TlsTransport({ rule, credentials: { ...stranger, ca: registrar.ca } }).connect(to);
  expect((await closing(near)).code).toMatch(/^(peer|failed)$/);
  expect(accepted).toEqual([]);
  expect(transport.counters).toMatchObject({ accepted: 0, handshakeFailed: 1 });
  expect(failures).toHaveLength(1);
});

test('a server of another authority is refused', async () => {
  const { to } = await listening();
  const stranger = await (await testSet('edge')).credentials({ role: 'user', name: 'u' });
  await expect(new TlsTransport({ rule, credentials: stranger }).connect(to)).rejects.toMatchObject({
    name: 'TransportError',
    code: 'authentication',
  });
});

test('a server whose certificate does not name the address is refused, unless we judge by more', async () => {
  const elsewhere = await set.credentials({ role: 'registrar', name: 'r' }, { addresses: ['10.0.0.1'] });
  const { to } = await listening({ credentials: elsewhere });
  await expect(new TlsTransport({ rule, credentials: user }).connect(to)).rejects.toMatchObject({
    code: 'authentication',
  });
  const near = await new TlsTransport({ rule, credentials: user, judgePeer: () => null }).connect(to);
  near.close();
});

test('judgePeer refuses at either end', async () => {
  const refusing = await listening({
    judgePeer: ({ uris }) => (uris[0]?.includes('/user/') ? 'no users here' : null),
  });
  const near = await new TlsTransport({ rule, credentials: user }).connect(refusing.to);
  expect((await closing(near)).code).toMatch(/^(peer|failed)$/);
  expect(refusing.transport.counters.handshakeFailed).toBe(1);

  const { to } = await listening();
  const client = new TlsTransport({ rule, credentials: user, judgePeer: () => 'I do not like it' });
  await expect(client.connect(to)).rejects.toMatchObject({
    code: 'authentication',
    message: /I do not like it/,
  });
});

test('who speaks no TLS, or no 1.3, gets nowhere', async () => {
  const { transport, accepted, to } = await listening();
  await new Promise<void>((resolve) => {
    const plain = tcpConnect(to, () => plain.write('GET / HTTP/1.0\r\n\r\n'));
    plain.resume();
    plain.on('error', () => {});
    plain.on('close', () => resolve());
  });
  await new Promise<void>((resolve) => {
    const old = tlsConnect({ ...to, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    old.on('error', () => {});
    old.on('close', () => resolve());
  });
  expect(accepted).toEqual([]);
  expect(transport.counters.handshakeFailed).toBe(2);
});

test('a handshake that never ends is cut', async () => {
  const { transport, to } = await listening({ limits: { handshakeTimeoutMs: 30 } });
  await new Promise<void>((resolve) => {
    const silent = tcpConnect(to);
    silent.resume();
    silent.on('error', () => {});
    silent.on('close', () => resolve());
  });
  expect(transport.counters.handshakeFailed).toBe(1);
});

test('renewed credentials serve new handshakes and leave connections alone', async () => {
  const { transport, to } = await listening();
  const client = new TlsTransport({ rule, credentials: user });
  const before = await client.connect(to);
  before.onFrame(() => {});
  transport.renew(await set.credentials({ role: 'registrar', name: 'r2' }));
  const after = await client.connect(to);
  after.onFrame(() => {});
  expect(before.closed).toBeNull();
  expect(before.peer.identity?.commonName).toBe('r');
  expect(after.peer.identity?.commonName).toBe('r2');
  before.close();
  after.close();
});

function fail(): never {
  throw new Error('no identity');
}
