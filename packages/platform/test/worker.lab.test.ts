// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { fenceTables, horizonPlaces } from '../src/fence/ruleset.ts';
import { createNamespace, createNetwork, inNamespace } from '../src/namespaces/index.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../src/netlink/index.ts';
import { deleteTables, listSet } from '../src/netlink/nftables.ts';
import { isRealtime } from '../src/realtime/index.ts';
import { labMissing, openArpTap, until } from './support/lab.ts';

// A worker has no test runner to read TypeScript for it.
const built = new URL('../dist/', import.meta.url);
const missing = labMissing || (existsSync(new URL('fence/index.js', built)) ? '' : 'build the package first');

const SCRIPT = `
const { parentPort, workerData } = require('node:worker_threads');
(async () => {
  const load = (folder) => import(workerData.built + folder + '/index.js');
  const { inNamespace, openOwnNamespace } = await load('namespaces');
  const { createLinuxClocks } = await load('clocks');
  const { createFence } = await load('fence');
  const { createVirtualAddresses } = await load('addresses');
  const { requestRealtime, isRealtime } = await load('realtime');
  const grant = requestRealtime(10);
  const clocks = createLinuxClocks();
  const [fence, addresses] = inNamespace(workerData.fd, () => [
    createFence({ interfaces: ['eth0'], clocks }),
    createVirtualAddresses({ interface: 'eth0' }),
  ]);
  fence.guard([{ slot: 'web', guarded: [{ what: 'address', address: '10.9.0.100' }] }]);
  addresses.raise('10.9.0.100');
  for (let turn = 0; turn < 200; turn++) fence.openUntil(new Map([['web', clocks.boottimeMs() + 60000]]));
  addresses.announce('10.9.0.100', 2);
  addresses.destroySockets('10.9.0.100');
  const isOpen = fence.isOpen('web');
  // As the end of a process does, which this thread's is not.
  fence.abandon();
  parentPort.postMessage({ isOpen, grant, isRealtime: isRealtime(), home: openOwnNamespace().identity });
  addresses.close();
})();`;

test.skipIf(missing !== '')(`fence and addresses work from a worker thread ${missing}`, async () => {
  const home = createNamespace();
  const network = inNamespace(home.fd, () =>
    createNetwork({
      bridge: 'br0',
      hosts: [
        { name: 'a', address: '10.9.0.1/24' },
        { name: 'b', address: '10.9.0.2/24' },
      ],
    }),
  );
  const host = network.host('a');
  const tap = openArpTap(network.host('b'));
  const worker = new Worker(SCRIPT, { eval: true, workerData: { built: built.href, fd: host.namespace.fd } });
  const ended = new Promise<number>((resolve) => worker.once('exit', resolve));
  const said = await new Promise<Record<string, unknown>>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(said).toMatchObject({ isOpen: true });
  expect(said['home']).not.toBe(host.namespace.identity);
  // Where real time is granted, it is granted to the worker alone.
  expect((said['grant'] as { isGranted: boolean }).isGranted).toBe(said['isRealtime']);
  expect(isRealtime()).toBe(false);
  await until('the announcements', () => tap.poll().length === 2);
  expect(await ended).toBe(0);

  // The worker is gone, and the kernel still knows the element.
  const socket = inNamespace(host.namespace.fd, () => new NetlinkSocket(NETLINK_NETFILTER));
  for (const place of horizonPlaces('vnfpool', 1)) expect(listSet(socket, place)).toHaveLength(1);
  expect(deleteTables(socket, fenceTables('vnfpool'))).toBeUndefined();
  socket.close();
  tap.close();
  network.close();
  home.close();
});
