// SPDX-License-Identifier: Apache-2.0
import { networkSteps } from '@vnfpool/platform/namespaces';
import { expect, test } from 'vitest';
import { limitRules, tablesWithoutLinks } from '../../src/namespaces/link-limits.ts';

const alias = 'vnfpool function of abc';

test('rules and settings stand before a link is up, and the host’s ends come last', () => {
  const steps = networkSteps('abc', 'nat#1.7.1', {
    interfaces: [
      { name: 'lan', bridge: 'br-lan', addresses: ['10.0.0.2/24'], gateway: '10.0.0.1' },
      { name: 'out', peer: 'nat0', addresses: ['192.0.2.2/30'], peerAddresses: ['192.0.2.1/30'] },
    ],
    rules: 'table ip nat { }',
    sysctls: { 'net.ipv4.ip_forward': '1' },
    routes: [{ to: '10.1.0.0/16', via: '10.0.0.9' }],
  });
  const [first] = steps;
  const hostEnd = first?.do === 'link' ? first.hostEnd : '';
  expect(steps).toEqual([
    { do: 'link', name: 'lan', hostEnd, alias },
    { do: 'port', hostEnd, bridge: 'br-lan' },
    { do: 'link', name: 'out', hostEnd: 'nat0', alias },
    { do: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' },
    { do: 'rules', text: 'table ip nat { }' },
    { do: 'address', inside: true, link: 'lan', address: '10.0.0.2/24' },
    { do: 'up', inside: true, link: 'lan' },
    { do: 'address', inside: true, link: 'out', address: '192.0.2.2/30' },
    { do: 'up', inside: true, link: 'out' },
    { do: 'gateway', link: 'lan', via: '10.0.0.1' },
    { do: 'route', to: '10.1.0.0/16', via: '10.0.0.9' },
    { do: 'up', inside: false, link: hostEnd },
    { do: 'address', inside: false, link: 'nat0', address: '192.0.2.1/30' },
    { do: 'up', inside: false, link: 'nat0' },
  ]);
});

test('a limit of bandwidth stands before the host’s ends come up', () => {
  const steps = networkSteps('abc', 'x', {
    interfaces: [
      { name: 'a', peer: 'pa', addresses: [] },
      { name: 'b', peer: 'pb', addresses: [] },
    ],
    bandwidthBps: 1_000_000,
  });
  const at = steps.findIndex((step) => step.do === 'limit');
  expect(steps[at]).toMatchObject({ links: ['pa', 'pb'], bitsPerSecond: 1_000_000 });
  expect(steps.findIndex((step) => step.do === 'up' && !step.inside)).toBeGreaterThan(at);
  // A network without links carries nothing.
  expect(networkSteps('abc', 'x', { interfaces: [], bandwidthBps: 1_000_000 })).toEqual([]);
});

test('rules of a limit: both directions, in octets, with room for the longest packets', () => {
  const rules = limitRules('t', ['pa', 'pb'], 80_000_000);
  expect(rules.match(/devices = \{ "pa", "pb" \}/g)).toHaveLength(2);
  expect(
    rules.match(/limit rate over 10000000 bytes\/second burst 1000000 bytes counter drop/g),
  ).toHaveLength(2);
  expect(limitRules('t', ['a'], 8_000)).toContain('over 1000 bytes/second burst 131072 bytes');
  expect(() => limitRules('t', ['a" }'], 8_000)).toThrow('not an interface name');
});

test('tables whose links are all gone are known, others and those of strangers are not touched', () => {
  const table = (name: string) => ({ table: { family: 'netdev', name } });
  const chain = (name: string, dev?: unknown) => ({ chain: { table: name, name: 'sent', dev } });
  const listed = [
    { metainfo: {} },
    ...['p_1', 'p_2', 'p_3', 'other'].map(table),
    chain('p_1'),
    chain('p_2', 'eth0'),
    chain('p_3', ['a', 'b']),
  ];
  expect(tablesWithoutLinks(JSON.stringify({ nftables: listed }), 'p_')).toEqual(['p_1']);
  expect(tablesWithoutLinks('', 'p_')).toEqual([]);
  expect(tablesWithoutLinks('{"nftables": [', 'p_')).toEqual([]);
});

test('ends at bridges have names of their own, as short as the kernel wants them', () => {
  const interfaces = ['a', 'b'].map((name) => ({ name, bridge: 'br0', addresses: [] }));
  const names = ['one', 'two'].flatMap((name) =>
    networkSteps('abc', name, { interfaces }).flatMap((step) => (step.do === 'link' ? [step.hostEnd] : [])),
  );
  expect(new Set(names).size).toBe(4);
  for (const name of names) expect(name).toMatch(/^vf[0-9a-f]{10}\.[0-9]$/);
});

test('a network of nothing needs nothing', () => {
  expect(networkSteps('abc', 'x', { interfaces: [] })).toEqual([]);
});
