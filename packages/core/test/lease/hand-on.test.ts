// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { type Bench, held, LEASE_MS, SLOT } from './harness.ts';

/* A process of a node ends, and the next one goes on as the same incarnation. */

const GAP_MS = LEASE_MS / 4;

/** Node `node` is without a process for a while. */
function replaced(bench: Bench, node: number, gapMs = GAP_MS): void {
  const handedOn = bench.handOn(node);
  bench.run(gapMs);
  bench.goOn(node, handedOn);
}

describe('a holder that hands on', () => {
  test('holds on under the same epoch: nobody takes the slot, and the lease is renewed at once', () => {
    const bench = held();
    bench.run(LEASE_MS);
    replaced(bench, 1);
    const goesOnMs = bench.nowMs;
    bench.ready(1, 0);
    bench.run(4 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.all('lost')).toEqual([]);
    const renewed = bench.all('fence-until', 1).filter(({ atMs }) => atMs >= goesOnMs);
    expect(renewed[0]?.atMs).toBeLessThanOrEqual(goesOnMs + 2 * bench.delayMs);
    expect(new Set(renewed.map(({ epoch }) => epoch)).size).toBe(1);
    expect(bench.serving()).toEqual([1]);
  });

  test('ten times in a row', () => {
    const bench = held();
    for (let n = 0; n < 10; n++) {
      bench.run(LEASE_MS);
      replaced(bench, 1);
      bench.ready(1, 0);
    }
    bench.run(LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.serving()).toEqual([1]);
  });

  test('that is away for longer than its lease does not act under it any more', () => {
    const bench = held();
    replaced(bench, 1, 2 * LEASE_MS);
    const goesOnMs = bench.nowMs;
    bench.ready(1, 0);
    expect(bench.last('lost', 1).reason).toBe('expired');
    expect(bench.all('fence-until', 1).filter(({ atMs }) => atMs >= goesOnMs)).toEqual([]);
    expect(bench.serving()).toEqual([2]);
  });

  test('does not count what was said to the process before: a renewal of its own extends the lease', () => {
    const bench = held();
    bench.run(LEASE_MS);
    // Answers to the last request of the former process come to the next one.
    const asks = (): number =>
      bench.sent.filter(({ from, message }) => from === 1 && message.type === 'renew').length;
    const before = asks();
    bench.run(LEASE_MS, () => asks() > before);
    const handedOn = bench.handOn(1);
    bench.goOn(1, handedOn);
    bench.isLost = (from) => from === 1;
    const extended = bench.all('fence-until', 1).length;
    bench.run(LEASE_MS / 2);
    expect(bench.all('fence-until', 1)).toHaveLength(extended);
  });

  test('lets go of the slot when its function has ended in between', () => {
    const bench = held();
    replaced(bench, 1);
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(LEASE_MS / 2);
    expect(bench.last('lost', 1).reason).toBe('function-exit');
    expect(bench.last('granted')).toMatchObject({ node: 2, fencedBy: 'release' });
  });

  test('or when it was started anew', () => {
    const bench = held();
    replaced(bench, 1);
    bench.ready(1, 0, 2n);
    bench.run(LEASE_MS / 2);
    expect(bench.last('granted')).toMatchObject({ node: 2, cause: 'function-exit' });
  });

  test('begins no round that it has begun before', () => {
    const bench = held();
    bench.run(LEASE_MS);
    const [first] = bench.all('granted');
    replaced(bench, 1);
    bench.ready(1, 0);
    bench.input(1, { type: 'release', slot: SLOT, reason: 'operator' });
    bench.ready(2, 1, 1n, false);
    bench.ready(3, 2, 1n, false);
    bench.run(4 * LEASE_MS, () => bench.all('granted').length > 1);
    expect(bench.last('granted').node).toBe(1);
    expect(bench.last('granted').epoch).toBeGreaterThan(first?.epoch ?? 0);
  });
});

describe('a member that hands on', () => {
  test('is not mute, and knows whose lease runs', () => {
    const bench = held();
    bench.run(LEASE_MS);
    replaced(bench, 2);
    expect(bench.engines.get(2)?.muteMs(bench.nowMs)).toBe(0);
    // With node 3 away its word decides.
    bench.stop(3);
    bench.ready(2, 0);
    bench.run(3 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    bench.start(3);
    bench.run(4 * LEASE_MS);
    expect(bench.last('granted').node).toBe(2);
  });

  test('stays mute for as long as the restart before it asked for', () => {
    const bench = held();
    bench.stop(2);
    bench.start(2);
    bench.run(LEASE_MS / 2);
    replaced(bench, 2);
    expect(bench.engines.get(2)?.muteMs(bench.nowMs)).toBeCloseTo(1.01 * LEASE_MS - LEASE_MS / 2 - GAP_MS, 6);
  });

  test('whose node heard nothing meanwhile accuses nobody', () => {
    const bench = held();
    bench.run(LEASE_MS);
    replaced(bench, 2, 3 * LEASE_MS);
    bench.ready(2, 0);
    bench.run(2 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.sent.filter(({ from, message }) => from === 2 && message.type === 'prepare')).toHaveLength(
      0,
    );
  });
});

describe('nothing can be handed on', () => {
  const canHandOn = (bench: Bench, node: number): boolean =>
    bench.engines.get(node)?.handOn(bench.nowMs) !== undefined;

  test('while the slot is being taken, or let go', () => {
    const bench = held();
    expect(canHandOn(bench, 1)).toBe(true);
    bench.isObedient = false;
    bench.input(1, { type: 'release', slot: SLOT, reason: 'operator' });
    expect(canHandOn(bench, 1)).toBe(false);
    bench.run(3 * LEASE_MS, () => bench.all('granted').length > 1);
    expect(canHandOn(bench, bench.last('granted').node)).toBe(false);
  });

  test('while it is passed on, at either end; then it can be', () => {
    const bench = held();
    bench.isLost = (from) => from === 2;
    bench.input(1, { type: 'hand-over', slot: SLOT, to: { node: 2, functionId: 32 }, nonce: '1' });
    bench.run(2 * bench.delayMs);
    expect(canHandOn(bench, 1)).toBe(false);
    expect(canHandOn(bench, 2)).toBe(false);
    expect(canHandOn(bench, 3)).toBe(true);
    bench.run(6 * LEASE_MS);
    expect(canHandOn(bench, 1)).toBe(true);
    expect(canHandOn(bench, 2)).toBe(true);
  });
});
