// SPDX-License-Identifier: Apache-2.0
import { testSet } from '@vnfpool/testkit/certificates';
import {
  complianceRule as rule,
  streamCases,
  type TransportFactory,
  transportCases,
} from '@vnfpool/testkit/compliance';
import { MemoryNetwork } from '@vnfpool/transport/memory';
import { MptcpTransport } from '@vnfpool/transport/mptcp';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import { describe, test } from 'vitest';

const set = await testSet();
const server = await set.credentials({ role: 'registrar', name: 'r' });
const client = await set.credentials({ role: 'user', name: 'u' });

const factories: Record<string, TransportFactory> = {
  memory: (limits) => {
    const network = new MemoryNetwork();
    return { server: network.transport({ rule, limits }), client: network.transport({ rule, limits }) };
  },
  tcp: (limits) => ({
    server: new TcpTransport({ rule, limits }),
    client: new TcpTransport({ rule, limits }),
  }),
  mptcp: (limits) => ({
    server: new MptcpTransport({ rule, limits }),
    client: new MptcpTransport({ rule, limits }),
  }),
  'tls over mptcp': (limits) => ({
    server: new TlsTransport({ rule, limits, credentials: server, multipath: true }),
    client: new TlsTransport({ rule, limits, credentials: client, multipath: true }),
  }),
  tls: (limits) => ({
    server: new TlsTransport({ rule, limits, credentials: server }),
    client: new TlsTransport({ rule, limits, credentials: client }),
  }),
};

describe.each(Object.entries(factories))('%s transport', (_, factory) => {
  test.each([...transportCases, ...streamCases])('$name', (each) => each.run(factory));
});
