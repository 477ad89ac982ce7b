// SPDX-License-Identifier: Apache-2.0
import type { HealthCheck } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { FunctionLife } from '../../src/agent/function-life.ts';
import { functionId } from '../../src/identity.ts';

const timing = { intervalMs: 500, timeoutMs: 100, rise: 2, fall: 2 };

/** A function without a port that has just been started at time 0. */
function startedFunction(health: HealthCheck, port: number | null = null) {
  const specification = { v: 1, kind: 'process', command: ['web'], health } as const;
  const random = { u64: () => 1n, u32: () => 1, between: () => 0 } as never;
  const life = new FunctionLife(functionId(1), 'web#1', specification, new Uint8Array(), random);
  life.start();
  return { life, outputs: life.started(1, 77, '192.0.2.1', port, 0) };
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

describe('a function whose port refuses, or resets, connections', () => {
  const refused = { isRefused: true };
  /** Healthy at time 100, with its next check 5 s later. */
  function healthyFunction(fall: number) {
    const { life } = startedFunction({ type: 'tcp', intervalMs: 5_000, timeoutMs: 900, rise: 1, fall }, 80);
    life.checked(1, true, 'connected', 100);
    expect([life.ready, life.expire(5_100).length]).toEqual([true, 1]);
    return life;
  }

  test('is looked at again soon, and is unhealthy after `fall` checks as ever', () => {
    const life = healthyFunction(3);
    life.checked(1, false, 'ECONNREFUSED', 5_100, refused);
    expect(life.expire(5_199)).toEqual([]);
    expect(life.expire(5_200)).toMatchObject([{ type: 'check-health' }]);
    life.checked(1, false, 'ECONNRESET', 5_200, refused);
    expect(life.ready).toBe(true);
    expect(life.expire(5_300)).toHaveLength(1);
    life.checked(1, false, 'ECONNREFUSED', 5_300, refused);
    expect([life.ready, life.reason, life.failures]).toEqual([false, 'unhealthy: ECONNREFUSED', 1]);
  });

  test('and takes the next one is as healthy as before, and looked at as declared', () => {
    const life = healthyFunction(2);
    for (let nowMs = 5_100; nowMs < 100_000; nowMs += 5_100) {
      life.checked(1, false, 'ECONNRESET', nowMs, refused);
      expect(life.expire(nowMs + 100)).toHaveLength(1);
      life.checked(1, true, 'connected', nowMs + 100);
      expect(life.expire(nowMs + 5_099)).toEqual([]);
      expect(life.expire(nowMs + 5_100)).toHaveLength(1);
    }
    expect([life.ready, life.failures]).toEqual([true, 0]);
  });

  test('one that does not answer is not: it may be busy, and is looked at as declared', () => {
    const life = healthyFunction(2);
    life.checked(1, false, 'no connection within 900 ms', 6_000);
    expect(life.expire(10_999)).toEqual([]);
    expect(life.expire(11_000)).toHaveLength(1);
  });

  test('no check comes sooner than where less is declared', () => {
    const { life } = startedFunction({ type: 'tcp', intervalMs: 20, timeoutMs: 10, rise: 1, fall: 3 }, 80);
    life.checked(1, true, 'connected', 0);
    life.expire(20);
    life.checked(1, false, 'ECONNREFUSED', 20, refused);
    expect(life.expire(40)).toHaveLength(1);
  });
});
