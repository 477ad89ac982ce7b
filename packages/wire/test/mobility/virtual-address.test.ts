// SPDX-License-Identifier: Apache-2.0
import {
  encodeSetConfiguration,
  parseSetConfiguration,
  plainAddress,
  readVirtualAddress,
  type SetConfiguration,
  type SlotAddressing,
  virtualAddressText,
} from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';

describe('a virtual address as text', () => {
  test.each([
    ['10.0.0.1/24', { address: '10.0.0.1', link: null, prefix: 24 }],
    ['10.0.0.1%eth1.7/32', { address: '10.0.0.1', link: 'eth1.7', prefix: 32 }],
    ['2001:DB8::0:1/128', { address: '2001:db8::1', link: null, prefix: 128 }],
    ['fe80::1%eth1/64', { address: 'fe80::1', link: 'eth1', prefix: 64 }],
  ])('%s is read, and written in one form', (text, expected) => {
    const read = readVirtualAddress(text);
    expect(read).toEqual(expected);
    const written = read && virtualAddressText(read);
    expect(written && readVirtualAddress(written)).toEqual(expected);
    expect(plainAddress(written ?? '')).toBe(expected.address);
  });

  test.each([
    '',
    '10.0.0.1',
    '10.0.0.1/0',
    '10.0.0.1/33',
    '10.0.0.1/024',
    '10.0.0.256/24',
    '10.0.0.1/24/24',
    '10.0.0.1%/24',
    '10.0.0.1%lo/24',
    '10.0.0.1%eth0%eth1/24',
    '10.0.0.1%a-name-too-long1/24',
    '10.0.0.1%../24',
    '2001:db8::1/129',
    '2001:db8:::1/64',
    'node-a/24',
  ])('%j is none', (text) => {
    expect(readVirtualAddress(text)).toBeUndefined();
  });
});

function configuration(addresses: readonly string[], addressing?: SlotAddressing): SetConfiguration {
  return {
    v: 1,
    set: 'edge',
    councils: [{ id: 1, version: { generation: 1, number: 1, randomId: '00000000000000c0' }, members: [1] }],
    nodes: [],
    slots: [
      {
        id: '00000000000000ff',
        pool: 'web',
        index: 0,
        leaseMs: 300,
        addresses,
        ...(addressing === undefined ? {} : { addressing }),
        genesis: { randomId: '00000000000000bb', candidates: [] },
        candidates: [],
        lastResort: { rule: 'never' },
      },
    ],
    registrars: [],
  };
}

test.each([
  ['nothing', undefined],
  ['all', { announce: { repeats: 5, everyMs: 200 }, onConflict: 'raise', sameMac: { vrid: 7 } }],
  ['a derived hardware address', { sameMac: {} }],
  ['links of a gateway', { forwarding: ['eth1', 'lan.7'] }],
] as const)('how a slot is raised goes over: %s', (_, addressing) => {
  const told = configuration(['10.0.0.1/24', 'fe80::1%eth1/64'], addressing);
  expect(parseSetConfiguration(encodeSetConfiguration(told))).toEqual(told);
});

test.each([
  ['an address that is none', configuration(['10.0.0.1']), 'slots[0].addresses[0]'],
  ['another policy', configuration([], { onConflict: 'fight' as 'raise' }), 'slots[0].addressing.onConflict'],
  ['a virtual router 256', configuration([], { sameMac: { vrid: 256 } }), 'slots[0].addressing.sameMac.vrid'],
  [
    'a link that is none',
    configuration([], { forwarding: ['eth0', 'lo'] }),
    'slots[0].addressing.forwarding[1]',
  ],
  [
    'announcements without end',
    configuration([], { announce: { repeats: 61, everyMs: 200 } }),
    'slots[0].addressing.announce.repeats',
  ],
])('%s is refused with its place', (_, told, place) => {
  expect(() => parseSetConfiguration(encodeSetConfiguration(told))).toThrow(place);
});
