// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { held, LEASE_MS } from './harness.ts';

test('a restarted node is mute for the longest lease plus drift, and says so', () => {
  const bench = held();
  bench.stop(2);
  bench.start(2);
  expect(bench.engines.get(2)?.muteMs(bench.nowMs)).toBeCloseTo(LEASE_MS * 1.01, 6);
  bench.run(2 * LEASE_MS);
  expect(bench.engines.get(2)?.muteMs(bench.nowMs)).toBe(0);
});

test('a new node without records is not mute', () => {
  const bench = held();
  expect(bench.engines.get(3)?.muteMs(bench.nowMs)).toBe(0);
});

test('a restarted holder has no lease: it waits like anyone, and its old answers do not count', () => {
  const bench = held();
  bench.run(LEASE_MS);
  const restartMs = bench.nowMs;
  bench.stop(1);
  bench.start(1);
  bench.ready(1, 0);
  bench.ready(2, 1, 1n, false);
  bench.ready(3, 2, 1n, false);
  bench.run(3 * LEASE_MS, () => bench.all('granted').length > 1);
  const granted = bench.last('granted');
  expect(granted).toMatchObject({ node: 1, cause: 'lease-expired', fencedBy: 'timeout' });
  expect(granted.atMs - restartMs).toBeGreaterThan(LEASE_MS / 2);
  expect(bench.all('fence-until', 1).filter(({ atMs }) => atMs > restartMs && atMs < granted.atMs)).toEqual(
    [],
  );
});

test('a council survives the restart of all: nobody speaks before the longest lease is over', () => {
  const bench = held();
  bench.run(LEASE_MS);
  for (const node of [1, 2, 3]) bench.stop(node);
  const restartMs = bench.nowMs;
  for (const node of [1, 2, 3]) bench.start(node);
  for (const node of [1, 2, 3]) bench.ready(node, node - 1);
  bench.run(5 * LEASE_MS, () => bench.all('granted').length > 1);
  expect(bench.last('granted').atMs - restartMs).toBeGreaterThanOrEqual(LEASE_MS * 1.01);
  expect(bench.last('granted').epoch).toBeGreaterThan(bench.all('granted')[0]?.epoch ?? 0);
});
