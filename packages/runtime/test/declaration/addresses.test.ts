// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { slotAddresses, slotAddressing } from '@vnfpool/core/declared';
import { describe, expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const pool = (keys: string, slots = 1): string =>
  `set: s\nnodes: [a, b, c]\npools:\n  web:\n    function: { program: p, port: 80 }\n    redundancy: { slots: ${slots} }\n${keys}\n`;

function poolOf(text: string): DeclaredPool {
  const read = readDeclaration(text, '/srv/s.yaml');
  if ('faults' in read) throw new Error(read.faults.map(({ message }) => message).join('\n'));
  const [first] = read.set.pools;
  if (!first) throw new Error('no pool');
  return first;
}

function faultsOf(text: string): string[] {
  const read = readDeclaration(text, '/srv/s.yaml');
  return 'faults' in read
    ? read.faults.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
    : [];
}

describe('virtual addresses', () => {
  test.each([
    ['one', '    address: 10.0.0.1/24', 1, ['10.0.0.1/24']],
    ['one of IPv6, in canonical form', '    address: "2001:DB8:0::1/64"', 1, ['2001:db8::1/64']],
    ['one on a link', '    address: { address: 10.0.0.1/24, link: eth1 }', 1, ['10.0.0.1%eth1/24']],
    ['link-local on a link', '    address: { address: "fe80::1/64", link: eth1 }', 1, ['fe80::1%eth1/64']],
    [
      'several of one slot',
      '    address: [10.0.0.1/24, "2001:db8::1/64", { address: 10.1.0.1/24, link: eth1 }]',
      1,
      [['10.0.0.1/24', '2001:db8::1/64', '10.1.0.1%eth1/24']],
    ],
    ['a list of one is that one', '    addresses: [[10.0.0.1/24]]', 1, ['10.0.0.1/24']],
    [
      'an entry a slot, each as it likes',
      '    addresses: [10.0.0.1/24, [10.0.0.2/24, "2001:db8::2/64"], { address: 10.0.0.3/24 }]',
      3,
      ['10.0.0.1/24', ['10.0.0.2/24', '2001:db8::2/64'], '10.0.0.3/24'],
    ],
  ])('%s', (_, keys, slots, expected) => {
    expect(poolOf(pool(keys, slots)).addresses).toEqual(expected);
  });

  test('of a slot, as it is raised', () => {
    const declared = poolOf(
      pool(
        '    addresses: [10.0.0.1/24, [10.0.0.2/24, "2001:db8::2/64"]]\n    addressing: { mode: same-mac, vrid: 7 }',
        2,
      ),
    );
    expect([0, 1, 2].map((index) => slotAddresses(declared, index))).toEqual([
      ['10.0.0.1/24'],
      ['10.0.0.2/24', '2001:db8::2/64'],
      [],
    ]);
    expect(slotAddressing(declared, 1)).toEqual({ sameMac: { vrid: 8 } });
  });

  test.each([
    ['nothing', '', undefined],
    ['only what is so by default', '    addressing: { mode: link-mac, onConflict: refuse }', undefined],
    ['same-mac', '    addressing: { mode: same-mac }', { sameMac: {} }],
    [
      'announcements and conflicts',
      '    addressing: { announce: { repeats: 5, every: 200ms }, onConflict: raise }',
      { announce: { repeats: 5, everyMs: 200 }, onConflict: 'raise' },
    ],
    ['a gateway', '    addressing: { forwarding: [eth1, lan0] }', { forwarding: ['eth1', 'lan0'] }],
  ])('addressing says %s', (_, keys, expected) => {
    expect(poolOf(pool(`    address: 10.0.0.1/24\n${keys}`)).addressing).toEqual(expected);
  });

  test.each([
    [
      'no prefix',
      'address: "2001:db8::1"',
      'must be an IPv6 address with prefix length, such as 2001:db8::100/64',
    ],
    ['a prefix of 0', 'address: 10.0.0.1/0', 'must be an IPv4 address with prefix length'],
    ['a prefix too long', 'address: "2001:db8::1/129"', 'must be an IPv6 address with prefix length'],
    ['multicast', 'address: 224.0.0.5/24', '224.0.0.5 is multicast'],
    ['multicast of IPv6', 'address: "ff02::1/64"', 'ff02::1 is multicast'],
    ['the network address', 'address: 10.0.1.0/24', '10.0.1.0 is the network address of /24'],
    ['the broadcast address', 'address: 10.0.0.63/26', '10.0.0.63 is the broadcast address of /26'],
    ['that of any router', 'address: "2001:db8::/64"', 'is the subnet-router anycast address of /64'],
    ['the unspecified address', 'address: "::/64"', ':: is reserved'],
    ['loopback of IPv6', 'address: "::1/128"', '::1 is reserved'],
    ['IPv4 as IPv6', 'address: "::ffff:10.0.0.1/120"', 'is reserved'],
    ['link-local without a link', 'address: "fe80::1/64"', 'fe80::1 is link-local: it needs a link'],
    [
      'a link in the text',
      'address: 10.0.0.1%eth1/24',
      'name the link beside it, as { address: ..., link: eth1 }',
    ],
    ['the loopback', 'address: { address: 10.0.0.1/24, link: lo }', 'must be the name of a link, and not lo'],
    ['no list entries', 'addresses: [[]]', 'must have at least 1 entry'],
    ['a number', 'address: 5', 'must be an address with prefix length, such as 10.77.0.100/24, or a map'],
    [
      'an unknown key',
      'address: { address: 10.0.0.1/24, interface: eth1 }',
      'unknown key "interface"; allowed: address, link',
    ],
    [
      'the same twice in a slot',
      'address: [10.0.0.1/24, 10.0.0.1/16]',
      '10.0.0.1 is given twice; pool web has it already',
    ],
    [
      'the same twice, written otherwise',
      'address: ["2001:db8::1/64", "2001:DB8:0:0::1/64"]',
      '2001:db8::1 is given twice',
    ],
    [
      'several addresses where slots are meant',
      'addresses: [10.0.0.1/24, 10.0.0.2/24]',
      'it gives 2; several of one slot are a list within the list',
    ],
    ['addressing without addresses', 'addressing: { mode: same-mac }', 'needs virtual addresses'],
    [
      'vrid without same-mac',
      'address: 10.0.0.1/24\n    addressing: { vrid: 1 }',
      'needs the key mode with the value same-mac',
    ],
    [
      'too many repeats',
      'address: 10.0.0.1/24\n    addressing: { announce: { repeats: 61 } }',
      'must be a whole number from 0 to 60',
    ],
    [
      'an announcement too soon',
      'address: 10.0.0.1/24\n    addressing: { announce: { every: 1ms } }',
      'addressing.announce.every: ',
    ],
    [
      'forwarding of the loopback',
      'address: 10.0.0.1/24\n    addressing: { forwarding: [lo] }',
      'must be the name of a link, and not lo',
    ],
    [
      'forwarding of nothing',
      'address: 10.0.0.1/24\n    addressing: { forwarding: [] }',
      'must name at least 1 link',
    ],
    [
      'forwarding of a link twice',
      'address: 10.0.0.1/24\n    addressing: { forwarding: [eth1, eth0, eth1] }',
      'eth1 is given twice; pool web has it already',
    ],
  ])('%s is a fault', (_, keys, expected) => {
    expect(faultsOf(pool(`    ${keys}`)).join('\n')).toContain(expected);
  });

  test('the forwarding of a link is that of one slot', () => {
    const addresses = 'addresses: [10.0.0.1/24, 10.0.0.2/24]';
    expect(faultsOf(pool(`    ${addresses}\n    addressing: { forwarding: [eth1] }`, 2)).join()).toContain(
      'pools.web.addressing.forwarding: needs a pool with 1 slot; this one has 2',
    );
    const two = ['a', 'b'].map(
      (name, n) =>
        `  ${name}:\n    function: { program: p, port: 80 }\n    address: 10.0.${n}.1/24\n    addressing: { forwarding: [eth1] }\n`,
    );
    expect(faultsOf(`set: s\nnodes: [a, b]\npools:\n${two.join('')}`).join()).toContain(
      'pools.b.addressing.forwarding.0: eth1 is given twice; pool a has it already',
    );
  });

  test('more than sixteen of a slot are a fault', () => {
    const many = Array.from({ length: 17 }, (_, n) => `10.0.0.${n + 1}/24`).join(', ');
    expect(faultsOf(pool(`    address: [${many}]`)).join()).toContain('must have at most 16 entries');
  });

  test('a fault names the place of the address', () => {
    expect(faultsOf(pool('    addresses:\n      - [10.0.0.1/24, { address: 10.0.0, link: eth1 }]'))).toEqual([
      '8:25 pools.web.addresses.0.1.address: must be an IPv4 address with prefix length, such as 10.77.0.100/24; got "10.0.0"',
    ]);
  });

  test('virtual routers are those of one pool, and leave room for its slots', () => {
    const two = (first: number, second: number): string =>
      `set: s\nnodes: [a, b]\npools:\n${[first, second]
        .map(
          (vrid, n) =>
            `  p${n}:\n    function: { program: p, port: 80 }\n    redundancy: { slots: 2 }\n    addresses: [10.0.${n}.1/24, 10.0.${n}.2/24]\n    addressing: { mode: same-mac, vrid: ${vrid} }\n`,
        )
        .join('')}`;
    expect(faultsOf(two(1, 3))).toEqual([]);
    expect(faultsOf(two(1, 2)).join()).toContain('virtual router 2 is that of pool p0 already');
    expect(faultsOf(two(1, 255)).join()).toContain('must leave room for 2 slots below 256');
  });
});
