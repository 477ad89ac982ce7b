// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readDeclaration } from '../../src/declaration/index.ts';

const declare = (lines: string) =>
  readDeclaration(
    `set: s\nnodes: [a]\npools: { web: { function: { program: x, port: 80, ${lines} } } }\n`,
    '/srv/s.yaml',
  );
const functionOf = (lines: string) => {
  const read = declare(lines);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.set.pools[0]?.function;
};
const faultOf = (lines: string) => {
  const read = declare(lines);
  return 'faults' in read ? read.faults.map(({ path, message }) => `${path}: ${message}`).join('\n') : '';
};

test('limits are read with their units', () => {
  expect(
    functionOf(
      'limits: { processors: 0.5, memory: 1.5GiB, processes: 32, storage: 10MiB, bandwidth: 2.5Mbit/s }',
    )?.limits,
  ).toEqual({
    processors: 0.5,
    memoryBytes: 1_610_612_736,
    processes: 32,
    storageBytes: 10_485_760,
    bandwidthBps: 2_500_000,
  });
  expect(functionOf('limits: { processes: 8 }')?.limits).toEqual({ processes: 8 });
  expect(functionOf('')).not.toHaveProperty('limits');
});

test.each([
  ['limits: { memory: 64 }', 'limits.memory: must be a size with a unit (KiB, MiB, GiB, TiB)'],
  ['limits: { memory: 64MB }', 'from 1MiB to 64TiB; got "64MB"'],
  ['limits: { memory: 4KiB }', 'from 1MiB'],
  ['limits: { processors: 0 }', 'limits.processors: must be a number from 0.01 to 1024'],
  ['limits: { processes: 0 }', 'limits.processes: must be a whole number'],
  ['limits: { bandwidth: 1bit/s }', 'limits.bandwidth: must be a bandwidth with a unit'],
  ['limits: { disk: 1GiB }', 'unknown key "disk"'],
])('%s is a fault', (lines, message) => {
  expect(faultOf(lines)).toContain(message);
});

test('the type of a check is what is said, or what its keys say', () => {
  const typeOf = (health: string) => functionOf(`health: { ${health} }`)?.health;
  expect(typeOf('')).toMatchObject({ type: 'tcp' });
  expect(typeOf('http: /h')).toMatchObject({ type: 'http', path: '/h' });
  expect(typeOf('command: [check, "{port}"]')).toMatchObject({
    type: 'command',
    command: ['check', '{port}'],
  });
  expect(typeOf('type: sip-options')).toMatchObject({ type: 'sip-options' });
  expect(typeOf('type: function')).toMatchObject({ type: 'function' });
});

test.each([
  ['type: tcp, http: /h', 'health.http: does not belong to a check of type tcp'],
  ['http: /h, command: [x]', 'health.command: does not belong to a check of type http'],
  ['type: command', 'health.type: needs the key command'],
  ['command: []', 'must name a program'],
  ['type: ping', 'health.type'],
])('a check with %s is a fault', (health, message) => {
  expect(faultOf(`health: { ${health} }`)).toContain(message);
});
