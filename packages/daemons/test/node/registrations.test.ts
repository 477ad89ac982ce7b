// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { functionId } from '@vnfpool/core';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { silentLogger } from '@vnfpool/runtime/logging';
import { testSet } from '@vnfpool/testkit/certificates';
import { expect, onTestFinished, test } from 'vitest';
import { Registrations } from '../../src/node/registrations.ts';

const wanted = {
  type: 'register',
  poolHandle: 'web',
  functionId: functionId(1),
  address: '127.0.0.1',
  port: 8080,
  policy: { type: 'round-robin' },
} as const;

test('a certificate that is not good ends no agent, and the next one brings the registration', async () => {
  const set = await testSet();
  const good = await set.credentials({ role: 'node', name: 'node-a', id: 1 });
  const other = await set.credentials({ role: 'node', name: 'node-a', id: 1 });
  let credentials: Credentials = { ...good, key: other.key };
  const registrations = new Registrations({ credentials: () => credentials, logger: silentLogger });
  const registrar = createServer();
  registrar.listen(0, '127.0.0.1');
  await once(registrar, 'listening');
  onTestFinished(async () => {
    await registrations.close();
    registrar.close();
  });
  const { port } = registrar.address() as AddressInfo;
  registrations.useRegistrars([{ address: '127.0.0.1', port }]);

  expect(() => registrations.register(wanted)).not.toThrow();

  const connected = once(registrar, 'connection');
  credentials = good;
  registrations.renewed();
  const [socket] = (await connected) as [{ destroy(): void }];
  socket.destroy();
});
