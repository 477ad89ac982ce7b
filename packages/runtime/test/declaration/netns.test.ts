// SPDX-License-Identifier: Apache-2.0
import { encodeFunctionSpecification, parseFunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const declare = (func: string, pool = '') =>
  readDeclaration(`set: s\nnodes: [a]\npools: { nat: { function: { ${func} }, ${pool} } }\n`, '/srv/s.yaml');
const faultsOf = (func: string, pool?: string) => {
  const read = declare(func, pool);
  return 'faults' in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};

test('a function of rules only, and a node would take it', () => {
  const read = declare(
    `netns: {
      interfaces: [
        { name: lan, bridge: br-lan, addresses: [10.0.0.1/24, 2001:db8::1/64], gateway6: fe80::1 },
        { name: wan, peer: nat0, addresses: [192.0.2.2/30], peerAddresses: [192.0.2.1/30], gateway: 192.0.2.1 },
      ],
      rules: 'table ip nat { }',
      sysctls: { net.ipv6.conf.all.disable_ipv6: "1", net.ipv4.ip_forward: "1" },
      routes: [{ to: 10.1.0.0/16, via: 10.0.0.9 }, { to: 2001:db8:1::/48, via: 2001:db8::9 }],
    }`,
  );
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const { program, netns } = read.set.pools[0]?.function ?? {};
  expect(program).toBe('');
  expect(Object.keys(netns?.sysctls ?? {})).toEqual([
    'net.ipv4.ip_forward',
    'net.ipv6.conf.all.disable_ipv6',
  ]);
  if (netns === undefined) throw new Error('no network');
  const specification = { v: 1, kind: 'netns', command: [], netns } as const;
  expect(parseFunctionSpecification(encodeFunctionSpecification(specification)).netns).toEqual(netns);
});

const lan = 'name: lan, bridge: b';
test.each<[string, string]>([
  ['interfaces: [{ name: lan }]', 'netns.interfaces.0: give one of bridge and peer'],
  [`interfaces: [{ ${lan}, peer: p }]`, 'netns.interfaces.0: give one of bridge and peer'],
  [`interfaces: [{ ${lan} }, { ${lan} }]`, 'netns.interfaces.1.name: lan is named twice'],
  ['interfaces: [{ name: a, peer: p }, { name: b, peer: p }]', 'netns.interfaces.1.peer: p is named twice'],
  [`interfaces: [{ ${lan}, peerAddresses: [] }]`, 'netns.interfaces.0.peerAddresses: needs the key peer'],
  [`interfaces: [{ ${lan}, gateway: 10.0.0.1 }]`, 'netns.interfaces.0.gateway: needs an IPv4 address'],
  [
    'interfaces: [{ name: a, peer: a, addresses: [10.0.0.1/24], gateway: 10.0.0.2 }, { name: b, peer: b, addresses: [10.1.0.1/24], gateway: 10.1.0.2 }]',
    'netns.interfaces.1.gateway: is a second one',
  ],
  [
    `interfaces: [{ ${lan}, addresses: [10.0.0.1] }]`,
    'netns.interfaces.0.addresses.0: must be an IP address with',
  ],
  ['interfaces: [{ name: lo, peer: p }]', 'netns.interfaces.0.name: must be the name of an interface'],
  [`interfaces: [{ ${lan}, adresses: [] }]`, 'unknown key "adresses"; did you mean addresses?'],
  ['sysctls: { kernel.panic: "1" }', 'must be the name of a setting below net.'],
  [
    'sysctls: { net.ipv4.ip_forward: 1 }',
    'netns.sysctls.net.ipv4.ip_forward: must be text: put it in quotes',
  ],
  ['routes: [{ to: 10.0.0.0/8 }]', 'netns.routes.0.via: via is missing'],
  ['routes: [{ to: 10.0.0.0/8, via: 2001:db8::1 }]', 'netns.routes.0.via: must be of the family of to'],
  ['routes: [{ to: 2001:db8::/32, via: fe80::1 }]', 'netns.routes.0.via: must not be a link-local address'],
  [`interfaces: [{ ${lan}, addresses: [2001:db8::1/129] }]`, 'addresses.0: must be an IP address with'],
  [`interfaces: [{ ${lan}, addresses: [2001:db8::1/64], gateway: 10.0.0.1 }]`, 'needs an IPv4 address'],
  [
    'interfaces: [{ name: a, peer: a, gateway6: fe80::1 }, { name: b, peer: b, gateway6: fe80::1 }]',
    'netns.interfaces.1.gateway6: is a second one',
  ],
])('%s: the place is told', (network, fault) => {
  const faults = faultsOf(`program: x, netns: { ${network} }`);
  expect(faults.join('\n')).toContain(fault);
  expect(faults).toHaveLength(1);
});

test('what does not go together is told', () => {
  expect(faultsOf('port: 80')).toEqual(['pools.nat.function.program: program is missing; it must be text']);
  expect(faultsOf('netns: {}')).toEqual([
    'pools.nat.function.netns: needs a program, or rules, sysctls or routes that do the work',
  ]);
  expect(faultsOf('program: x, port: 80, netns: {}', 'address: 10.0.0.1/24').join()).toContain(
    'netns: does not go with a virtual address',
  );
  expect(faultsOf('program: x, netns: {}, limits: { bandwidth: 1Mbit/s }')).toEqual([]);
  expect(faultsOf('program: x, netns: {}')).toEqual([]);
});
