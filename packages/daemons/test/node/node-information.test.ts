// SPDX-License-Identifier: Apache-2.0
import { networkInterfaces, tmpdir } from 'node:os';
import { decodeMobility, encodeMobility, type MobilityMessage } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { countOctets, NodeMeter, nodeInformation, waitingNow } from '../../src/node/node-information.ts';

const DEV = (
  received: number,
  sent: number,
): string => `Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: ${received}       1    0    0    0     0          0         0 ${received}       1    0    0    0     0       0          0
  eth0:${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0
`;

test('what the host has fits into a REGISTRATION and comes back', () => {
  const information = nodeInformation(tmpdir());
  expect(information.memoryBytes).toBeGreaterThan(information.memoryFreeBytes ?? 0n);
  expect(information.storageBytes).toBeGreaterThanOrEqual(information.storageFreeBytes ?? 0n);
  const message: MobilityMessage = { type: 'registration', sequence: 1, nodes: [{ id: 7, information }] };
  expect(decodeMobility(encodeMobility(message)).nodes[0]?.information).toEqual(information);
});

test('the load is what runs or waits, without the one who looks', () => {
  expect(waitingNow('cpu 1 2\nprocs_running 4\nprocs_blocked 2\n')).toBe(5);
  expect(waitingNow('procs_running 0\nprocs_blocked 0\n')).toBe(0);
  expect(waitingNow('')).toBeNull();
});

test('octets of a link are those of both directions, of the loopback those of one', () => {
  expect(countOctets(DEV(100, 20), [{ name: 'eth0' }])).toBe(120);
  expect(countOctets(DEV(100, 20), [{ name: 'lo' }])).toBe(100);
  expect(countOctets(DEV(100, 20), [{ name: 'eth0' }, { name: 'lo' }])).toBe(220);
  expect(countOctets(DEV(100, 20), [{ name: 'eth1' }])).toBeNull();
});

test.runIf(networkInterfaces()['lo'] !== undefined)(
  'bandwidth in use is told from the second look on, with its average',
  () => {
    let dev = DEV(1_000, 0);
    const meter = new NodeMeter(tmpdir(), '127.0.0.1', (path) => (path === '/proc/net/dev' ? dev : ''));
    const first = meter.information(0);
    expect(first.bandwidthUsedBitsPerSecond).toBeUndefined();
    // The loopback has no speed.
    expect(first.bandwidthBitsPerSecond).toBeUndefined();
    dev = DEV(11_000, 0);
    const second = meter.information(1_000);
    expect(second.bandwidthUsedBitsPerSecond).toBe(80_000n);
    expect(second.bandwidthAverageBitsPerSecond).toBe(80_000n);
    const third = meter.information(2_000);
    expect(third.bandwidthUsedBitsPerSecond).toBe(0n);
    expect(third.bandwidthAverageBitsPerSecond).toBeLessThan(80_000n);
    expect(third.bandwidthAverageBitsPerSecond).toBeGreaterThan(70_000n);
  },
);

test.runIf(networkInterfaces()['lo'] !== undefined)(
  'the speed of a link is told, unless /sys shows another namespace',
  () => {
    const read = (mac: string) => (path: string) =>
      path.endsWith('/address') ? `${mac}\n` : path.endsWith('/speed') ? '1000\n' : '';
    const total = (mac: string) =>
      new NodeMeter(tmpdir(), '127.0.0.1', read(mac)).information(0).bandwidthBitsPerSecond;
    expect(total('00:00:00:00:00:00')).toBe(1_000_000_000n);
    expect(total('02:00:00:00:00:01')).toBeUndefined();
  },
);
