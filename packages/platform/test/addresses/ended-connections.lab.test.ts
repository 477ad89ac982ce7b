// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '../../src/addresses/index.ts';
import { labMissing } from '../support/lab.ts';
import { createSegments, eventually, type Machine, type Segments } from '../support/segment.ts';

const missing =
  labMissing ||
  (spawnSync('ip', ['-V']).error === undefined ? '' : 'machines are set up by ip: not installed');
const VIP = '10.9.0.100';
const VIP6 = '2001:db8:9::100';

/** Listens on both families with one socket, so that its connections of IPv4 are those of a socket of IPv6. */
const SERVER = `
  const server = require('node:net').createServer((socket) => {
    const local = socket.localAddress;
    socket.on('error', (error) => console.log('tcp ' + local + ' ' + error.code));
    socket.resume();
  });
  server.listen(6000, '::', () => console.log('listening'));
  for (const [type, address] of [['udp4', '${VIP}'], ['udp4', '10.9.0.1'], ['udp6', '${VIP6}'], ['udp6', '2001:db8:9::1']]) {
    const socket = require('node:dgram').createSocket(type);
    socket.on('error', (error) => console.log('udp ' + address + ' ' + error.code));
    const to = type === 'udp4' ? '10.9.0.2' : '2001:db8:9::2';
    socket.bind(7000, address, () => socket.connect(7001, to, () => console.log('bound ' + address)));
    const waiting = require('node:dgram').createSocket(type);
    waiting.on('error', (error) => console.log('waiting ' + address + ' ' + error.code));
    waiting.bind(7100, address, () => console.log('waits ' + address));
  }`;
const CLIENT = `
  for (const host of ['${VIP}', '${VIP6}', '10.9.0.1', '2001:db8:9::1']) {
    const socket = require('node:net').connect(6000, host, () => console.log('connected ' + host));
    socket.on('error', (error) => console.log('client ' + host + ' ' + error.code));
    socket.resume();
  }`;

describe.skipIf(missing !== '')(`connections of an address ${missing}`, () => {
  const closers: (() => void)[] = [];
  let segments: Segments;
  let addresses: LinuxVirtualAddresses;
  let lines: string[];
  const start = (machine: Machine, script: string): void => {
    const child = machine.run(() => spawn(process.execPath, ['-e', script]));
    child.stdout.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
    child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    closers.push(() => child.kill('SIGKILL'));
  };
  const count = (word: string): number => lines.filter((line) => line.startsWith(word)).length;

  beforeEach(() => {
    lines = [];
    segments = createSegments(['a', 'b']);
    closers.push(() => segments.close());
    addresses = segments.machine('a').run(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(() => addresses.close());
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  test('are ended, of TCP and of connected UDP, of IPv6 and of IPv4 on sockets of IPv6; others live', async () => {
    // Once before: what was looked for in vain then is looked for again.
    for (const address of [VIP, VIP6]) {
      addresses.raise(address);
      addresses.withdraw(address);
      addresses.destroySockets(address);
      addresses.raise(address);
    }
    start(segments.machine('a'), SERVER);
    await eventually(
      'the server',
      () => count('listening') === 1 && count('bound') === 4 && count('waits') === 4,
    );
    start(segments.machine('b'), CLIENT);
    await eventually('all connections', () => count('connected') === 4);
    lines.length = 0;
    for (const address of [VIP, VIP6]) addresses.destroySockets(address);
    if (addresses.socketDestroyMissing !== undefined) {
      expect(addresses.socketDestroyMissing).toContain('cannot end connections');
      return;
    }
    await eventually('all ends to hear', () => lines.length >= 6);
    // Those of other addresses still carry, and so does the listener: what would come of the others comes before.
    start(segments.machine('b'), CLIENT);
    await eventually('new connections', () => count('connected') === 4);
    expect(lines.filter((line) => !line.startsWith('connected')).toSorted()).toEqual(
      [
        `tcp ::ffff:${VIP} ECONNABORTED`,
        `tcp ${VIP6} ECONNABORTED`,
        `client ${VIP} ECONNRESET`,
        `client ${VIP6} ECONNRESET`,
        `udp ${VIP} ECONNABORTED`,
        `udp ${VIP6} ECONNABORTED`,
      ].toSorted(),
    );
  });
});
