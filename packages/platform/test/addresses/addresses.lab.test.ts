// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '../../src/addresses/index.ts';
import type { AddressPlace } from '../../src/index.ts';
import { createNamespace, createNetwork, inNamespace, type Network } from '../../src/namespaces/index.ts';
import { listAddresses, NETLINK_ROUTE, NetlinkSocket } from '../../src/netlink/index.ts';
import { hardwareAddress, labMissing, openArpTap, until } from '../support/lab.ts';

const VIP = '10.9.0.100';
const VIP6 = '2001:db8:9::100';

const at = (address: string): AddressPlace => ({ address, link: null, own: null });

describe.skipIf(labMissing !== '')(`virtual addresses ${labMissing}`, () => {
  const closers: (() => void)[] = [];
  let network: Network;
  let addresses: LinuxVirtualAddresses;
  const onA = <Result>(work: () => Result): Result => inNamespace(network.host('a').namespace.fd, work);

  beforeEach(() => {
    const home = createNamespace();
    network = inNamespace(home.fd, () =>
      createNetwork({
        bridge: 'br0',
        hosts: [
          { name: 'a', address: '10.9.0.1/24' },
          { name: 'b', address: '10.9.0.2/24' },
        ],
      }),
    );
    addresses = onA(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(
      () => home.close(),
      () => network.close(),
      () => addresses.close(),
    );
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  const raised = (): string[] =>
    onA(() => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      const found = listAddresses(socket, 'any');
      socket.close();
      return found
        .filter((address) => address.isDeprecated)
        .map((address) => `${address.address}/${address.prefix}`);
    });

  test('of IPv4 and IPv6 are raised alone and withdrawn, twice without harm', () => {
    for (const address of [VIP, VIP, VIP6, VIP6]) addresses.raise(at(address), false);
    expect(raised()).toEqual([`${VIP}/32`, `${VIP6}/128`]);
    for (const address of [VIP, VIP, VIP6, VIP6]) addresses.withdraw(address);
    expect(raised()).toEqual([]);
    expect(() => addresses.raise(at('10.9.0'), false)).toThrow(/IP address/);
  });

  test('that an earlier process left are withdrawn, on whatever link, and those of the host are not', () => {
    addresses.raise(at(VIP), false);
    addresses.raise(at(VIP6), false);
    const later = onA(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(() => later.close());
    for (const address of [VIP, VIP6, '10.9.0.1']) later.withdraw(address);
    expect(raised()).toEqual([]);
    expect(onA(() => spawnSync('ip', ['-4', 'addr'], { encoding: 'utf8' })).stdout).toContain('10.9.0.1/24');
  });

  test('the link answers for its own addresses only', () => {
    const setting = (name: string): string =>
      onA(() => readFileSync(`/proc/sys/net/ipv4/conf/eth0/${name}`, 'utf8').trim());
    expect([setting('arp_ignore'), setting('arp_announce')]).toEqual(['1', '2']);
  });

  test('announcements are seen by a peer, at most 16 at once', async () => {
    const tap = openArpTap(network.host('b'));
    addresses.announce(at(VIP), 3);
    addresses.announce(at('10.9.0.101'), 1000);
    await until('all announcements', () => tap.poll().length === 3 + 16);
    expect(tap.seen[0]).toEqual({
      operation: 1,
      senderHardware: hardwareAddress(network.host('a')),
      sender: VIP,
      target: VIP,
      destination: 'ffffffffffff',
    });
    tap.close();
  });

  test('connections of the address are ended, those of others and listeners are not', async () => {
    addresses.raise(at(VIP), false);
    const serverScript = `
      const net = require('node:net');
      const server = net.createServer((socket) => {
        const local = socket.localAddress;
        socket.on('error', (error) => console.log('server ' + local + ' ' + error.code));
        socket.resume();
      });
      server.listen(6000, '0.0.0.0', () => console.log('listening'));`;
    const clientScript = `
      const net = require('node:net');
      for (const host of ['${VIP}', '10.9.0.1']) {
        const socket = net.connect(6000, host, () => console.log('connected ' + host));
        socket.on('error', (error) => console.log('client ' + host + ' ' + error.code));
        socket.resume();
      }`;
    const lines: string[] = [];
    const start = (host: string, script: string): ChildProcess => {
      const child = inNamespace(network.host(host).namespace.fd, () =>
        spawn(process.execPath, ['-e', script]),
      );
      child.stdout.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
      closers.push(() => child.kill('SIGKILL'));
      return child;
    };
    start('a', serverScript);
    await until('the server', () => lines.includes('listening'));
    start('b', clientScript);
    await until('both connections', () => lines.filter((line) => line.startsWith('connected')).length === 2);
    addresses.destroySockets(VIP);
    if (addresses.socketDestroyMissing !== undefined) {
      expect(addresses.socketDestroyMissing).toContain('cannot end connections');
      return;
    }
    await until('both ends to hear', () => lines.filter((line) => line.includes(' E')).length === 2);
    expect(lines.toSorted()).toEqual([
      `client ${VIP} ECONNRESET`,
      'connected 10.9.0.1',
      `connected ${VIP}`,
      'listening',
      `server ${VIP} ECONNABORTED`,
    ]);
    // The listener goes on.
    start('b', clientScript);
    await until('new connections', () => lines.filter((line) => line.startsWith('connected')).length === 4);
  });

  test('a link without hardware address, or none, is refused', () => {
    onA(() => {
      expect(() => createVirtualAddresses({ interface: 'nosuch' })).toThrow(/ENODEV/);
      expect(() => createVirtualAddresses({ interface: '../all' })).toThrow(/interface name/);
    });
  });
});
