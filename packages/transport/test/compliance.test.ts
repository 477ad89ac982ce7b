// SPDX-License-Identifier: Apache-2.0
import { complianceRule as rule, type TransportFactory, transportCases } from '@vnfpool/testkit/compliance';
import { MemoryNetwork } from '@vnfpool/transport/memory';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { describe, test } from 'vitest';

const factories: Record<string, TransportFactory> = {
  memory: (limits) => {
    const network = new MemoryNetwork();
    return { server: network.transport({ rule, limits }), client: network.transport({ rule, limits }) };
  },
  tcp: (limits) => ({
    server: new TcpTransport({ rule, limits }),
    client: new TcpTransport({ rule, limits }),
  }),
};

describe.each(Object.entries(factories))('%s transport', (_, factory) => {
  test.each(transportCases)('$name', ({ run }) => run(factory));
});
