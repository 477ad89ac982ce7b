// SPDX-License-Identifier: Apache-2.0
import { networkSteps } from '@vnfpool/platform/namespaces';
import { expect, test } from 'vitest';

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
