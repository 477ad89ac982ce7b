// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '@vnfpool/core/declared';
import { expect, test } from 'vitest';
import { LayoutError, layOut } from '../../src/up/layout.ts';

function pool(name: string, addresses: DeclaredPool['addresses']): DeclaredPool {
  return { name, addresses } as unknown as DeclaredPool;
}

function set(pools: DeclaredPool[], nodes = 3): DeclaredSet {
  const names = Array.from({ length: nodes }, (_, index) => ({ name: `node-${index}` }));
  return { name: 'test', nodes: names, councils: [], pools, probes: [] };
}

test('everyone gets an address of its own in the network of the virtual addresses', () => {
  const layout = layOut(set([pool('web', ['192.0.2.100/24'])]));
  const all = [layout.manager, layout.registrar, layout.traffic, ...layout.nodes.values()];
  expect(new Set(all).size).toBe(6);
  expect(all.every((address) => address.startsWith('192.0.2.'))).toBe(true);
  expect(layout.prefixLength).toBe(24);
});

test('host numbers taken by virtual addresses are left out', () => {
  const layout = layOut(set([pool('web', ['192.0.2.1/24', '192.0.2.3/24'])]));
  const all = [layout.manager, layout.registrar, layout.traffic, ...layout.nodes.values()];
  expect(all).not.toContain('192.0.2.1');
  expect(all).not.toContain('192.0.2.3');
});

test('virtual addresses in two networks are refused with both named', () => {
  const declared = set([pool('web', ['192.0.2.100/24']), pool('sip', ['198.51.100.1/24'])]);
  expect(() => layOut(declared)).toThrow(LayoutError);
  expect(() => layOut(declared)).toThrow(/sip.*198\.51\.100\.1\/24.*192\.0\.2\.100\/24/);
});

test('of several addresses of a slot those of IPv4 say the network, which IPv6 needs not', () => {
  const several = [['2001:db8::1/64', '192.0.2.1%eth0/24'], '192.0.2.2/24'];
  expect(layOut(set([pool('web', several)])).registrar).toBe('192.0.2.3');
});

test('an address on a link that the nodes do not have is refused', () => {
  expect(() => layOut(set([pool('web', ['192.0.2.1%eth1/24'])]))).toThrow(
    /web.*192\.0\.2\.1%eth1\/24 is on eth1/,
  );
});

test('a network that is too small is refused', () => {
  expect(() => layOut(set([pool('web', ['192.0.2.1/29'])], 5))).toThrow(/too few addresses/);
});

test('without virtual addresses a default network is used', () => {
  expect(layOut(set([pool('calc', [])])).registrar).toBe('10.77.0.1');
});
