// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import {
  encodeFunctionSpecification,
  type FunctionSpecification,
  parseFunctionSpecification,
} from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

const plain: FunctionSpecification = { v: 1, kind: 'process', command: ['/bin/hss'] };
const timing = { intervalMs: 100, timeoutMs: 50, rise: 1, fall: 2 };
const read = (more: object) =>
  parseFunctionSpecification(encodeUtf8(JSON.stringify({ v: 1, kind: 'process', command: ['a'], ...more })));

test('limits and every type of health check come back as they were sent', () => {
  const checks = [
    { type: 'command', command: ['/bin/check', '{port}'], ...timing },
    { type: 'sip-options', ...timing },
    { type: 'function', ...timing },
  ] as const;
  for (const health of checks) {
    const limits = {
      processors: 0.5,
      memoryBytes: 67_108_864,
      processes: 32,
      storageBytes: 1_000_000,
      bandwidthBps: 10_000_000,
    };
    const specification = { ...plain, limits, health };
    expect(parseFunctionSpecification(encodeFunctionSpecification(specification))).toEqual(specification);
  }
});

test.each([
  [{ processors: 0 }, 'processors'],
  [{ processors: 'two' }, 'processors'],
  [{ memoryBytes: 4096 }, 'memoryBytes'],
  [{ processes: 0 }, 'processes'],
  [{ processes: 1.5 }, 'processes'],
  [{ storageBytes: -1 }, 'storageBytes'],
  [{ bandwidthBps: 1 }, 'bandwidthBps'],
])('a limit that nothing could run under is refused: %j', (limits, key) => {
  expect(() => read({ limits })).toThrow(`specification.limits.${key}`);
});

test('a command check without a command is refused', () => {
  expect(() => read({ health: { type: 'command', ...timing } })).toThrow(
    'specification.health.command is missing',
  );
});
