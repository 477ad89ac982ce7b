// SPDX-License-Identifier: Apache-2.0
import type { StandbyView } from '@vnfpool/core/replication';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';
import { octets, Pair } from './pair.ts';

/** One standby that follows and is listed; a mark comes each 100 ms. */
function following(): Pair {
  const pair = new Pair({ everyMs: 100 });
  pair.give({ type: 'list', standbys: [] });
  pair.attach();
  pair.give({ type: 'list', standbys: [1] });
  return pair;
}

function viewOf(pair: Pair): StandbyView {
  const [view] = pair.holder.views(pair.nowMs);
  if (view === undefined) throw new Error('there is no view of the standby');
  return view;
}

/** What is kept at the standby changes, and nobody is told. */
function damage(pair: Pair, key: string): void {
  const value = pair.standby().store.get(key);
  if (value === undefined) throw new Error(`there is no ${key}`);
  value[0] = (value[0] ?? 0) ^ 1;
}

describe('digests', () => {
  test('are counted at each mark that comes back, and when the last agreed is known', () => {
    const pair = following();
    const { agreed } = viewOf(pair);
    pair.pass(1_000);
    expect(viewOf(pair)).toMatchObject({ agreed: agreed + 10, differed: 0, sinceAgreedMs: 0 });
    pair.heldUp.add(1);
    pair.pass(500);
    expect(viewOf(pair)).toMatchObject({ agreed: agreed + 10, differed: 0, sinceAgreedMs: 500 });
  });

  test('that differ are counted, with what is sent anew, until they have agreed for 5 s', () => {
    const pair = following();
    pair.update('a', 1);
    expect(viewOf(pair)).toMatchObject({ differed: 0, fills: 1, isDiffering: false });
    damage(pair, 'a');
    pair.pass(1_000);
    expect(pair.standby().store.get('a')).toEqual(octets(1));
    expect(viewOf(pair)).toMatchObject({ differed: 1, fills: 2, isDiffering: true });
    pair.pass(3_000);
    // Once more: it begins again, though it was well for a moment, and is filled a second later.
    damage(pair, 'a');
    pair.pass(5_900);
    expect(viewOf(pair)).toMatchObject({ differed: 2, fills: 3, isDiffering: true });
    pair.pass(1_200);
    expect(viewOf(pair)).toMatchObject({ differed: 2, fills: 3, isDiffering: false });
  });

  test('that differ stay so as long as nothing agrees, also over another connection', () => {
    const pair = following();
    pair.update('a', 1);
    const differs: ReplicaMessage = { type: 'differs', sequence: 1, keys: 1, digest: 1n };
    pair.heldUp.add(1);
    pair.give({ type: 'message', standby: 1, message: differs });
    pair.lose(1);
    pair.detach();
    pair.pass(10_000);
    expect(viewOf(pair)).toMatchObject({ state: 'away', differed: 1, isDiffering: true });
    pair.attach();
    pair.pass(5_100);
    expect(viewOf(pair)).toMatchObject({ state: 'following', differed: 1, isDiffering: false });
  });
});

describe('the stream', () => {
  test('is counted in updates and octets, and what is under way is not what is behind', () => {
    const pair = following();
    pair.update('a', 1, 2, 3);
    expect(viewOf(pair)).toMatchObject({ updatesSent: 1, bytesSent: 12, underWayBytes: 0, lagBytes: 0 });
    pair.heldUp.add(1);
    pair.update('a', 4);
    pair.update('b', 1, 2);
    pair.update('a', 5);
    // Each key once, as it is now.
    expect(viewOf(pair)).toMatchObject({ updatesSent: 4, lagUpdates: 3, lagBytes: 10 + 11 });
    expect(viewOf(pair).underWayBytes).toBe(10 + 11 + 10);
    pair.release(1);
    expect(viewOf(pair)).toMatchObject({ lagUpdates: 0, lagBytes: 0, underWayBytes: 0 });
  });

  test('that cannot be sent is behind, too', () => {
    const pair = new Pair({}, [{ windowBytes: 16 }]);
    pair.give({ type: 'list', standbys: [] });
    pair.attach();
    pair.heldUp.add(1);
    for (const key of ['a', 'b', 'c', 'd']) pair.update(key, 1, 2, 3, 4, 5, 6, 7);
    const { underWayBytes, lagBytes } = viewOf(pair);
    expect(underWayBytes).toBeLessThan(lagBytes);
    expect(lagBytes).toBe(4 * 16);
  });

  test('of whom nothing came is all behind', () => {
    const pair = new Pair();
    pair.give({ type: 'list', standbys: [1] });
    pair.give({ type: 'rewrite', updates: [{ key: 'a', value: octets(1, 2) }] });
    expect(viewOf(pair)).toMatchObject({ state: 'away', lagUpdates: 1, lagBytes: 11, silentMs: null });
    pair.attach();
    pair.pass(250);
    pair.heldUp.add(1);
    pair.pass(250);
    expect(viewOf(pair).silentMs).toBeGreaterThanOrEqual(250);
  });
});
