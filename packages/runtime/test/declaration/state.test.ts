// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const declare = (lines: string) =>
  readDeclaration(
    `set: s\nnodes: [a]\npools: { kv: { function: { program: x, port: 80, ${lines} } } }\n`,
    '/srv/s.yaml',
  );
const functionOf = (lines: string) => {
  const read = declare(lines);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.set.pools[0]?.function;
};
const faultsOf = (lines: string) => {
  const read = declare(lines);
  return 'faults' in read ? read.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`) : [];
};

const hooks = 'hooks: { export: [kv, out], import: [kv, in], quiesce: [kv, stop], resume: [kv, go] }';

test('how state is taken and given', () => {
  expect(functionOf('state: { via: socket, format: kv/1 }')?.state).toEqual({
    via: 'socket',
    format: 'kv/1',
  });
  expect(functionOf(`state: { via: hooks }, ${hooks}`)).toMatchObject({
    state: { via: 'hooks' },
    hooks: { export: ['kv', 'out'], import: ['kv', 'in'], quiesce: ['kv', 'stop'], resume: ['kv', 'go'] },
  });
  expect(functionOf('hooks: { role: [kv, role] }')).toMatchObject({ hooks: { role: ['kv', 'role'] } });
  expect(functionOf('state: { via: conntrack }')).toMatchObject({ state: { via: 'conntrack' } });
  expect(functionOf('')).not.toHaveProperty('state');
  expect(functionOf('')).not.toHaveProperty('hooks');
});

test.each([
  ['state: { via: pipe }', '3 pools.kv.function.state.via: '],
  [
    'state: { via: socket, format: "two words" }',
    '3 pools.kv.function.state.format: must be printable ASCII',
  ],
  ['state: { via: hooks }', '3 pools.kv.function.hooks.export: is missing'],
  [`state: { via: socket }, ${hooks}`, '3 pools.kv.function.hooks: are not called beside a socket'],
  [
    'state: { via: socket, filter: { protocols: [6] } }',
    '3 pools.kv.function.state.filter: belongs to conntrack',
  ],
  [
    'state: { via: socket, shares: true, standby: kernel }',
    '3 pools.kv.function.state.standby: belongs to conntrack',
  ],
  [
    'state: { via: conntrack, filter: { addresses: [10.0.0.0/8, ten/8] } }',
    '3 pools.kv.function.state.filter.addresses.1: must be an IP address with a prefix length',
  ],
  ['hooks: { export: [] }', '3 pools.kv.function.hooks.export: must name a program'],
  ['hooks: { before: [x] }', '3 pools.kv.function.hooks.before: unknown key'],
])('%s is a fault', (lines, message) => {
  expect(faultsOf(lines).join('\n')).toContain(message);
});
