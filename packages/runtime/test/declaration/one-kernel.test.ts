// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

interface Pool {
  readonly filter?: string;
  readonly netns?: boolean;
  readonly method?: string;
}

const REFUSED =
  "conntrack of nat and of wall would be in one kernel, on a node that runs both: whoever takes a slot of the one removes connections of the other; give their functions a netns each, or each a state.filter whose zones, protocols or addresses the other's has not";

/** Faults of a set with these two gateways, with their places. */
function faultsOf(nat: Pool, wall: Pool): string[] {
  const poolOf = (name: string, { filter, netns = false, method = '[conntrack]' }: Pool): string => `
  ${name}:
    function:
      program: x
      state: { via: conntrack${filter === undefined ? '' : `, filter: ${filter}`} }${
        netns ? '\n      netns: { interfaces: [{ name: eth0, bridge: br0, addresses: [10.0.0.1/24] }] }' : ''
      }
    redundancy: { model: 1+1 }
    sharing: { method: ${method} }`;
  const read = readDeclaration(
    `set: s\nnodes: [a, b, c]\npools:${poolOf('nat', nat)}${poolOf('wall', wall)}\n`,
    '/srv/s.yaml',
  );
  return 'set' in read ? [] : read.faults.map(({ path, message }) => `${path}: ${message}`);
}

test.each<[string, Pool, Pool]>([
  ['without filters', {}, {}],
  ['where one has a filter', { filter: '{ protocols: [6] }' }, {}],
  ['where the other has one', {}, { filter: '{ addresses: [10.1.0.0/16] }' }],
  ['by filters of other kinds', { filter: '{ protocols: [6] }' }, { filter: '{ zones: [1] }' }],
  ['with a protocol in common', { filter: '{ protocols: [6, 17] }' }, { filter: '{ protocols: [17, 1] }' }],
  ['with a zone in common', { filter: '{ zones: [0] }' }, { filter: '{ zones: [1, 0] }' }],
  [
    'with a network within the other',
    { filter: '{ addresses: [192.0.2.0/24, 10.0.0.0/8] }' },
    { filter: '{ addresses: [10.79.3.0/24] }' },
  ],
  [
    'with a network within the other that ends amid an octet',
    { filter: '{ addresses: ["2001:db8::/33"] }' },
    { filter: '{ addresses: ["2001:db8:7fff::1/128"] }' },
  ],
  ['by any network', { filter: '{ addresses: [0.0.0.0/0] }' }, { filter: '{ addresses: [192.0.2.1/32] }' }],
])('two pools whose connections are in one kernel are refused: %s', (_, nat, wall) => {
  expect(faultsOf(nat, wall)).toEqual([`pools.wall.sharing.method.0: ${REFUSED}`]);
});

test.each<[string, Pool, Pool]>([
  ['networks of their own', { netns: true }, { netns: true }],
  ['one of them in its own network', {}, { netns: true }],
  ['other protocols', { filter: '{ protocols: [6] }' }, { filter: '{ protocols: [17] }' }],
  ['other zones', { filter: '{ zones: [0] }' }, { filter: '{ zones: [1, 2] }' }],
  [
    'other networks',
    { filter: '{ addresses: [10.79.0.0/24] }' },
    { filter: '{ addresses: [10.79.1.0/24, "2001:db8::/64"] }' },
  ],
  [
    'networks that differ in one bit of an octet',
    { filter: '{ addresses: [10.0.0.0/9] }' },
    { filter: '{ addresses: [10.128.0.0/9] }' },
  ],
  ['only one of which shares them', {}, { method: '[none]' }],
])('two pools may share connections: %s', (_, nat, wall) => {
  expect(faultsOf(nat, wall)).toEqual([]);
});

test('a method that is not the first one is told at its place', () => {
  expect(faultsOf({}, { method: '[none, conntrack]' })).toEqual([`pools.wall.sharing.method.1: ${REFUSED}`]);
});
