// SPDX-License-Identifier: Apache-2.0
import { testSet } from '@vnfpool/testkit/certificates';
import { MptcpTransport } from '@vnfpool/transport/mptcp';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import { fromHex } from '@vnfpool/wire/bytes';
import { describe, test } from 'vitest';
import { mobilityRule as rule } from '../../src/mobility-frames.ts';
import { protocolCases, unframeableCase, type Way } from './protocol-cases.ts';

const set = await testSet();
const manager = await set.credentials({ role: 'manager', name: 'm' });
const credentials = new Map(
  await Promise.all(
    [10, 11].map(
      async (id) => [id, await set.credentials({ role: 'node', name: `host-${id}`, id })] as const,
    ),
  ),
);
const overTls = (multipath: boolean): Way => ({
  transport: multipath ? 'mptcp' : 'tcp',
  security: { kind: 'tls', credentials: manager, nodes: new Map() },
  node: (id) => {
    const own = credentials.get(id);
    if (own === undefined) throw new Error(`no certificate for node ${id}`);
    return new TlsTransport({ rule, credentials: own, multipath });
  },
});
const plain = { kind: 'plain' } as const;

const ways: Readonly<Record<string, Way>> = {
  TCP: { transport: 'tcp', security: plain, node: () => new TcpTransport({ rule }) },
  TLS: overTls(false),
  MPTCP: { transport: 'mptcp', security: plain, node: () => new MptcpTransport({ rule }) },
  'TLS over MPTCP': overTls(true),
};

const lengthThree = unframeableCase(
  'a Length below 4 cannot be framed: ERROR, then the connection is closed',
  fromHex('02000003000000'),
);

describe.each(Object.entries(ways))('service mobility over %s', (_, way) => {
  test.each([...protocolCases, lengthThree])('$name', (each) => each.run(way), 60_000);
});
