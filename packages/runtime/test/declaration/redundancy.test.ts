// SPDX-License-Identifier: Apache-2.0
import { readDeclaration } from '@vnfpool/runtime/declaration';
import { describe, expect, test } from 'vitest';

function read(redundancy: string, upgrade = ''): ReturnType<typeof readDeclaration> {
  const nodes = Array.from({ length: 8 }, (_, index) => `n${index}`).join(', ');
  return readDeclaration(
    `set: s\nnodes: [${nodes}]\npools:\n  web:\n    function: { program: x }\n    redundancy: ${redundancy}\n${upgrade}`,
    'set.yaml',
  );
}

const numbers = (redundancy: string): unknown => {
  const found = read(redundancy);
  return 'set' in found
    ? found.set.pools[0]?.redundancy
    : found.faults.map(({ path, message }) => `${path}: ${message}`);
};

describe('redundancy', () => {
  test.each([
    ['{}', { slots: 1, standbys: 0, spares: 0 }],
    ['{ model: none }', { slots: 1, standbys: 0, spares: 0 }],
    ['{ model: 1+1 }', { slots: 1, standbys: 1, spares: 0 }],
    ['{ model: 1+1, spares: 1 }', { slots: 1, standbys: 1, spares: 1 }],
    ['{ model: N+1, slots: 3 }', { slots: 3, standbys: 1, spares: 0 }],
    ['{ model: N+M, slots: 3, standbys: 2 }', { slots: 3, standbys: 2, spares: 0 }],
    ['{ model: n-way-active, slots: 3 }', { slots: 3, standbys: 0, spares: 0 }],
    [
      '{ model: n-way, instances: 3 }',
      { slots: 3, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 2 },
    ],
    [
      '{ model: n-way, instances: 3, slots: 6, slotsPerInstance: 4 }',
      { slots: 6, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 4 },
    ],
  ])('%s', (text, expected) => {
    expect(numbers(text)).toEqual(expected);
  });

  test.each([
    ['{ model: none, standbys: 1 }', 'standbys: model none has no standbys; 1+1 has one'],
    ['{ model: 1+1, slots: 2 }', 'slots: model 1+1 has one slot; N+1 has more'],
    ['{ model: 1+1, standbys: 2 }', 'standbys: model 1+1 has one standby; N+M has more'],
    ['{ model: N+1 }', 'slots: model N+1 has two slots or more; 1+1 has one'],
    ['{ model: N+M, slots: 2 }', 'standbys: model N+M has standbys: say how many'],
    ['{ model: n-way-active }', 'slots: model n-way-active has two slots or more: say how many'],
    ['{ model: n-way }', 'model: model n-way needs instances: how many share the slots'],
    [
      '{ model: n-way, instances: 2, spares: 1 }',
      'spares: in model n-way the instances stand by for each other',
    ],
    [
      '{ model: n-way, instances: 3, slots: 6, slotsPerInstance: 2 }',
      'slotsPerInstance: must be 3 or more, so that 2 instances can hold all 6 slots when one is gone',
    ],
    ['{ slots: 2, instances: 2 }', 'instances: belongs to model n-way only'],
    ['{ model: n-way, instances: 9 }', ': asks for 9 instances, but there are 8 nodes'],
    ['{ model: 2+2 }', 'model: must be one of'],
  ])('%s is refused', (text, expected) => {
    expect(numbers(text)).toEqual([
      expect.stringContaining(`pools.web.redundancy${expected.startsWith(':') ? '' : '.'}${expected}`),
    ]);
  });
});

describe('upgrade', () => {
  test('defaults are those of a pool that says nothing', () => {
    const found = read('{}', '    upgrade: { gate: 1s }\n');
    expect('set' in found && found.set.pools[0]?.upgrade).toEqual({
      batch: 1,
      gateMs: 1_000,
      deadlineMs: 60_000,
      onFailure: 'rollback',
      surplus: true,
    });
    expect('set' in read('{}') && read('{}')).not.toHaveProperty('set.pools.0.upgrade');
  });

  test('a deadline that nobody could keep is refused', () => {
    expect(read('{}', '    upgrade: { gate: 5s, deadline: 6s }\n')).toMatchObject({
      faults: [
        {
          path: 'pools.web.upgrade.deadline',
          message: expect.stringContaining('must be longer than gate (5s) and stop.grace (2s)'),
        },
      ],
    });
  });
});
