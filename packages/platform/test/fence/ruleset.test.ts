// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { fenceRuleset } from '../../src/fence/index.ts';

const rules = { table: 'vnfpool', interfaces: ['eth0'], guarded: ['10.0.0.1'], withEgress: true };

test('addresses are under the fence in the transaction that loads it', () => {
  expect(fenceRuleset(rules).match(/elements = \{ 10\.0\.0\.1 \}/g)).toHaveLength(2);
  expect(fenceRuleset({ ...rules, guarded: [] })).not.toContain('elements');
  expect(fenceRuleset({ ...rules, withEgress: false })).not.toContain('egress');
});

test.each(['eth0"; flush ruleset', '', 'a b', '../x', '0123456789abcdef'])(
  'refuses the link name %j',
  (name) => {
    expect(() => fenceRuleset({ ...rules, interfaces: [name] })).toThrow(/interface name/);
  },
);

test.each(['10.0.0.1; drop', '10.0.0', '10.0.0.256', '010.0.0.1', ''])(
  'refuses the address %j',
  (address) => {
    expect(() => fenceRuleset({ ...rules, guarded: [address] })).toThrow(/IPv4/);
  },
);
