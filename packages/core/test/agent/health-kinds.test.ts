// SPDX-License-Identifier: Apache-2.0
import type { HealthCheck } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { FunctionLife } from '../../src/agent/function-life.ts';
import { functionId } from '../../src/identity.ts';

const timing = { intervalMs: 500, timeoutMs: 100, rise: 2, fall: 2 };

/** A function without a port that has just been started at time 0. */
function startedFunction(health: HealthCheck) {
  const specification = { v: 1, kind: 'process', command: ['web'], health } as const;
  const random = { u64: () => 1n, u32: () => 1, between: () => 0 } as never;
  const life = new FunctionLife(functionId(1), 'web#1', specification, new Uint8Array(), random);
  life.start();
  return { life, outputs: life.started(1, 77, '192.0.2.1', null, 0) };
}

test('a command is run though the function has no port; a connection is not tried then', () => {
  const { outputs } = startedFunction({ type: 'command', command: ['check'], ...timing });
  expect(outputs).toMatchObject([{ type: 'check-health', port: null }]);
  for (const type of ['tcp', 'http', 'sip-options'] as const) {
    const { life, outputs: none } = startedFunction({ type, ...timing });
    expect(none).toEqual([]);
    expect(life.ready).toBe(true);
  }
});

test('a function that speaks for itself is healthy after `rise` words, and is never asked', () => {
  const { life, outputs } = startedFunction({ type: 'function', ...timing });
  expect(outputs).toEqual([]);
  life.checked(1, true, 'ready', 10);
  expect(life.ready).toBe(false);
  life.checked(1, true, 'ready', 20);
  expect(life.ready).toBe(true);
  expect(life.expire(600)).toEqual([]);
  expect(life.ready).toBe(true);
});

test('silence is a failure: after `fall` times it is unhealthy, and a word makes it well again', () => {
  const { life } = startedFunction({ type: 'function', ...timing });
  life.checked(1, true, 'ready', 0);
  life.checked(1, true, 'ready', 0);
  life.expire(600);
  expect(life.ready).toBe(true);
  life.expire(1_200);
  expect(life.ready).toBe(false);
  expect(life.reason).toBe('unhealthy: it says nothing of itself');
  life.checked(1, true, 'ready', 1_300);
  life.checked(1, true, 'ready', 1_400);
  expect(life.ready).toBe(true);
});

test('a function that is stopped or has ended is not waited for', () => {
  const { life } = startedFunction({ type: 'function', ...timing });
  life.stop();
  expect(life.nextDeadline()).toBe(10_000);
  life.exited(1, 'exit code 0', 5);
  expect(life.nextDeadline()).toBeUndefined();
});
