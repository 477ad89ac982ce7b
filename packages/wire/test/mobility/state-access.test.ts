// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import {
  DocumentError,
  encodeFunctionSpecification,
  type FunctionSpecification,
  isStateOfNode,
  MobilityError,
  parseFunctionSpecification,
} from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

const gateway = {
  v: 1,
  kind: 'netns',
  command: [],
  netns: {
    interfaces: [{ name: 'wan', bridge: 'br-wan', addresses: ['192.0.2.2/24'] }],
    sysctls: { 'net.ipv4.ip_forward': '1' },
  },
} as const;
const read = (more: object): FunctionSpecification =>
  parseFunctionSpecification(encodeUtf8(JSON.stringify({ ...gateway, ...more })));

test('connections as state come back as they were sent', () => {
  const specification: FunctionSpecification = {
    ...gateway,
    state: {
      via: 'conntrack',
      filter: { zones: [0, 7], protocols: [6, 17], addresses: ['10.0.0.0/8', '2001:db8::/32'] },
      standby: 'kernel',
    },
  };
  expect(parseFunctionSpecification(encodeFunctionSpecification(specification))).toEqual(specification);
});

test('a function that shares says so, and a flag is a flag', () => {
  const socket = { via: 'socket', format: 'kv/1', shares: true };
  expect(read({ state: socket }).state).toEqual(socket);
  expect(() => read({ state: { ...socket, shares: 1 } })).toThrow('specification.state.shares');
});

test("without a network of its own they are the node's", () => {
  const state = { via: 'conntrack' };
  const node = read({ kind: 'process', command: ['a'], netns: undefined, state });
  expect(node).toMatchObject({ kind: 'process', state });
  expect([node, read({ state }), read({})].map(isStateOfNode)).toEqual([true, false, false]);
});

test.each<[string, object, string]>([
  ['a zone above 65535', { zones: [65_536] }, 'zones[0]'],
  ['protocol 0', { protocols: [0] }, 'protocols[0]'],
  ['an empty list, which would be nothing', { protocols: [] }, 'protocols'],
  ['more than 16', { zones: Array.from({ length: 17 }, (_, zone) => zone) }, 'zones'],
  ['an address without a length', { addresses: ['10.0.0.1'] }, 'addresses[0]'],
  ['a length that is too long', { addresses: ['10.0.0.0/33'] }, 'addresses[0]'],
  ['no address', { addresses: ['ten/8'] }, 'addresses[0]'],
])('a filter is not: %s', (_, filter, where) => {
  expect(() => read({ state: { via: 'conntrack', filter } })).toThrow(`specification.state.filter.${where}`);
});

test.each<[string, object, RegExp]>([
  ['hooks beside them', { state: { via: 'conntrack' }, hooks: { role: ['a'] } }, /hooks.*beside conntrack/],
  [
    'a word on its health without a socket',
    {
      state: { via: 'conntrack' },
      health: { type: 'function', intervalMs: 1, timeoutMs: 1, rise: 1, fall: 1 },
    },
    /health\.type/,
  ],
  [
    'sharing by something else',
    { state: { via: 'conntrack', shares: true } },
    /state\.shares.*belongs to socket/,
  ],
  ['a place of copies of something else', { state: { via: 'socket', standby: 'kernel' } }, /state\.standby/],
  ['a filter of something else', { state: { via: 'socket', filter: { zones: [1] } } }, /state\.filter/],
])('refused with error 6: %s', (_, more, why) => {
  const said = (): unknown => {
    try {
      return read(more);
    } catch (error) {
      return error;
    }
  };
  const error = said();
  expect(error).toBeInstanceOf(DocumentError);
  expect((error as DocumentError).errorNumber).toBe(MobilityError.specificationRefused);
  expect((error as DocumentError).message).toMatch(why);
});
