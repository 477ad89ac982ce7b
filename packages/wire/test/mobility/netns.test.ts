// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import {
  DocumentError,
  encodeFunctionSpecification,
  type FunctionSpecification,
  MobilityError,
  parseFunctionSpecification,
} from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

const link = { name: 'lan', bridge: 'br-lan', addresses: ['10.0.0.2/24'] };
const read = (more: object): FunctionSpecification =>
  parseFunctionSpecification(encodeUtf8(JSON.stringify({ v: 1, kind: 'netns', command: ['a'], ...more })));
const network = (more: object) => read({ netns: { interfaces: [link], ...more } });

test('a network of its own comes back as it was sent', () => {
  const specification: FunctionSpecification = {
    v: 1,
    kind: 'netns',
    command: [],
    netns: {
      interfaces: [
        {
          name: 'lan',
          addresses: ['10.0.0.2/24', '2001:db8::2/64'],
          bridge: 'br-lan',
          gateway: '10.0.0.1',
          gateway6: 'fe80::1',
        },
        { name: 'out', addresses: [], peer: 'nat0', peerAddresses: ['192.0.2.1/30'] },
      ],
      rules: 'table ip nat {\n}\n',
      sysctls: { 'net.ipv4.ip_forward': '1' },
      routes: [
        { to: '10.1.0.0/16', via: '10.0.0.9' },
        { to: '2001:db8:1::/48', via: '2001:db8::9' },
      ],
    },
  };
  expect(parseFunctionSpecification(encodeFunctionSpecification(specification))).toEqual(specification);
});

const AT = 'specification.netns.';
test.each<[string, object, string]>([
  [
    'an address without a length',
    { interfaces: [{ ...link, addresses: ['10.0.0.2'] }] },
    'interfaces[0].addresses[0]',
  ],
  ['no address', { interfaces: [{ ...link, addresses: ['10.0.0.256/24'] }] }, 'interfaces[0].addresses[0]'],
  [
    'a length that is too long for IPv4',
    { interfaces: [{ ...link, addresses: ['10.0.0.2/33'] }] },
    'interfaces[0].addresses[0]',
  ],
  [
    'one that is too long for IPv6',
    { interfaces: [{ ...link, addresses: ['2001:db8::1/129'] }] },
    'interfaces[0].addresses[0]',
  ],
  ['IPv6 as gateway of IPv4', { interfaces: [{ ...link, gateway: '2001:db8::1' }] }, 'interfaces[0].gateway'],
  ['IPv4 as gateway of IPv6', { interfaces: [{ ...link, gateway6: '10.0.0.1' }] }, 'interfaces[0].gateway6'],
  [
    'two default routes of IPv6',
    { interfaces: ['a', 'b'].map((name) => ({ ...link, name, gateway6: 'fe80::1' })) },
    'interfaces[1].gateway6',
  ],
  ['a route across families', { routes: [{ to: '2001:db8::/32', via: '10.0.0.1' }] }, 'routes[0].via'],
  ['a route by way of any link', { routes: [{ to: '2001:db8::/32', via: 'FE80::1' }] }, 'routes[0].via'],
  ['a name too long', { interfaces: [{ ...link, name: 'sixteen-letters.' }] }, 'interfaces[0].name'],
  ['a name with a path', { interfaces: [{ ...link, name: '../x' }] }, 'interfaces[0].name'],
  ['the loopback', { interfaces: [{ ...link, name: 'lo' }] }, 'interfaces[0].name'],
  ['a name twice', { interfaces: [link, link] }, 'interfaces[1].name'],
  ['no other end', { interfaces: [{ name: 'a', addresses: [] }] }, 'interfaces[0]'],
  ['two other ends', { interfaces: [{ ...link, peer: 'x' }] }, 'interfaces[0]'],
  ['addresses of a bridge', { interfaces: [{ ...link, peerAddresses: [] }] }, 'interfaces[0].peerAddresses'],
  [
    'two default routes',
    { interfaces: ['a', 'b'].map((name) => ({ ...link, name, gateway: '10.0.0.1' })) },
    'interfaces[1].gateway',
  ],
  [
    'a gateway without a network',
    { interfaces: [{ ...link, addresses: [], gateway: '10.0.0.1' }] },
    'interfaces[0].gateway',
  ],
  [
    'too many interfaces',
    { interfaces: Array.from({ length: 9 }, (_, i) => ({ ...link, name: `l${i}` })) },
    'interfaces',
  ],
  ['empty rules', { rules: '' }, 'rules'],
  ['rules without end', { rules: 'x'.repeat(16_385) }, 'rules'],
  ['a setting of the whole host', { sysctls: { 'kernel.panic': '1' } }, 'sysctls.kernel.panic'],
  ['a setting outside', { sysctls: { 'net/../kernel': '1' } }, 'sysctls.net/../kernel'],
  ['a setting that is no text', { sysctls: { 'net.ipv4.ip_forward': 1 } }, 'sysctls.net.ipv4.ip_forward'],
  ['a route to nowhere', { routes: [{ to: '10.0.0.0', via: '10.0.0.1' }] }, 'routes[0].to'],
  ['a route through nothing', { routes: [{ to: '10.0.0.0/8' }] }, 'routes[0].via'],
])('%s: the place is told', (_what, more, place) => {
  expect(() => network(more)).toThrow(`${AT}${place} `);
});

test.each<[string, object, string]>([
  ['netns without a network', {}, 'specification.netns is missing'],
  [
    'a network of a plain process',
    { kind: 'process', netns: { interfaces: [] } },
    'specification.netns belongs',
  ],
  [
    'neither program nor rules',
    { command: [], netns: { interfaces: [link] } },
    'specification.command must name a program',
  ],
])('%s is refused with error 6', (_what, more, message) => {
  expect(() => read(more)).toThrow(message);
  let thrown: unknown;
  try {
    read(more);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ errorNumber: MobilityError.specificationRefused });
});

test('a plain process still needs a program', () => {
  expect(() => read({ kind: 'process', command: [] })).toThrow(DocumentError);
});
