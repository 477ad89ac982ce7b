// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { type Bench, held, LEASE_MS, SLOT } from './harness.ts';

/* A holder that is heard, and hears nobody: its renewals keep members from everybody else, and are of no use to it. */

/** Node 1 holds, has an heir, and hears nobody from now on. */
function deaf(): { readonly bench: Bench; readonly cutAtMs: number } {
  const bench = held([1, 2, 3], [1, 2, 3], { namesHeirs: true });
  bench.run(3 * LEASE_MS);
  bench.isLost = (_from, to) => to === 1;
  return { bench, cutAtMs: bench.nowMs };
}

describe('a holder that nobody answers', () => {
  test('says when its lease is over that it has let go, behind its closed fence', () => {
    const { bench, cutAtMs } = deaf();
    const { untilMs } = bench.last('fence-until', 1);
    bench.run(2 * LEASE_MS, () => bench.all('granted').length > 1);
    const granted = bench.last('granted');
    expect(granted).toMatchObject({ node: 2, cause: 'lease-expired', fencedBy: 'release' });
    expect(granted.atMs).toBeGreaterThan(untilMs);
    expect(granted.atMs - cutAtMs).toBeLessThan(LEASE_MS * 1.1);
    const closed = bench.last('fence-close', 1);
    const release = bench.sent.find(({ from, message }) => from === 1 && message.type === 'release');
    expect(closed.atMs).toBe(untilMs);
    expect(release?.atMs).toBeGreaterThanOrEqual(closed.atMs);
    expect(bench.last('lost', 1)).toMatchObject({ reason: 'expired' });
  });

  test('leaves the others alone behind that', () => {
    const { bench } = deaf();
    bench.run(20 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(2);
    expect(bench.all('renumbered')).toHaveLength(0);
    expect(bench.serving()).toEqual([2]);
  });
});

test('a node that stood still itself says nothing of the kind, and takes its slot again', () => {
  const bench = held([1, 2, 3], [1, 2, 3], { namesHeirs: true });
  bench.run(3 * LEASE_MS);
  bench.stall(2 * LEASE_MS, [1, 2, 3]);
  bench.run(LEASE_MS);
  expect(bench.sent.filter(({ message }) => message.type === 'release')).toEqual([]);
  expect(bench.last('granted')).toMatchObject({ node: 1 });
  expect(bench.serving()).toEqual([1]);
  expect(SLOT).toBe(bench.last('granted').slot);
});
