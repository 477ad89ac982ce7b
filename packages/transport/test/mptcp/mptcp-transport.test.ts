// SPDX-License-Identifier: Apache-2.0
import { libc } from '@vnfpool/platform/libc';
import { openMptcp } from '@vnfpool/platform/tcp';
import { testSet } from '@vnfpool/testkit/certificates';
import { complianceRule as rule } from '@vnfpool/testkit/compliance';
import { MptcpTransport } from '@vnfpool/transport/mptcp';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import { expect, onTestFinished, test } from 'vitest';

const fd = process.platform === 'linux' ? openMptcp('127.0.0.1') : null;
if (fd !== null) libc().close(fd);
const missing = fd === null ? '(no MPTCP in this kernel, or net.mptcp.enabled=0)' : '';
const set = await testSet('edge');

async function pair(server: StreamTransport, client: StreamTransport, host = 'localhost') {
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await server.listen({ host: '127.0.0.1', port: 0, onConnection: (each) => accept(each) });
  onTestFinished(() => listener.close());
  const near = await client.connect({ host, port: listener.address.port });
  onTestFinished(() => near.close());
  const far = await accepted;
  // An answer, so that both ends have measured the way.
  const echoed = new Promise((resolve) => {
    near.onFrame(resolve);
  });
  far.onFrame((frame) => void far.send(frame.slice()));
  near.send(Uint8Array.of(0, 0, 0, 5, 1));
  await echoed;
  return { near, far };
}

test.skipIf(missing !== '')(`both ends know that it is MPTCP ${missing}`, async () => {
  const server = new MptcpTransport({ rule });
  const client = new MptcpTransport({ rule });
  const { near, far } = await pair(server, client);
  expect([near.multipath, far.multipath]).toEqual([true, true]);
  expect([server.counters.fellBack, client.counters.fellBack]).toEqual([0, 0]);
  expect(near.roundTripMs()).toBeGreaterThan(0);
  near.close();
  expect(near.roundTripMs() ?? 1).toBeGreaterThan(0);
});

test.skipIf(missing !== '')(`the same under TLS ${missing}`, async () => {
  const credentials = await set.credentials({ role: 'registrar', name: 'r' });
  const transport = () => new TlsTransport({ rule, credentials, multipath: true });
  const { near, far } = await pair(transport(), transport(), '127.0.0.1');
  expect([near.multipath, far.multipath]).toEqual([true, true]);
  expect(near.peer.identity?.commonName).toBe('r');
});

test('a peer without MPTCP is served by TCP, either way round', async () => {
  const accepting = new MptcpTransport({ rule });
  const first = await pair(accepting, new TcpTransport({ rule }));
  expect([first.near.multipath, first.far.multipath, accepting.counters.fellBack]).toEqual([false, false, 1]);
  const connecting = new MptcpTransport({ rule });
  const second = await pair(new TcpTransport({ rule }), connecting);
  expect([second.near.multipath, second.far.multipath, connecting.counters.fellBack]).toEqual([
    false,
    false,
    1,
  ]);
});

test.runIf(process.platform === 'linux')('plain TCP tells its round-trip time', async () => {
  const { near, far } = await pair(new TcpTransport({ rule }), new TcpTransport({ rule }));
  expect(near.roundTripMs()).toBeGreaterThan(0);
  expect(far.roundTripMs()).toBeGreaterThan(0);
  expect(near.multipath).toBe(false);
});
