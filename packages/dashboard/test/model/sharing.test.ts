// SPDX-License-Identifier: Apache-2.0
import type { MergedStateView, PoolSharingView, StandbyStateView } from '@vnfpool/core/management';
import { expect, test } from 'vitest';
import {
  describeFirstPackets,
  describeLevel,
  describeMerged,
  describeStandby,
  mergedTone,
  standbyTone,
} from '../../src/model/sharing.ts';
import { explanationKey } from '../../src/model/verdict.ts';
import { Scenario } from '../support/scenario.ts';

const standby: StandbyStateView = {
  instance: 'web#2',
  node: 'node-b',
  isListed: true,
  state: 'following',
  lagUpdates: 0,
  lagMs: 0,
  lagBytes: 0,
  roundTripMs: 0.4,
};

test.each([
  [{}, 'good', 'follows, nothing behind'],
  [{ lagUpdates: 1, lagMs: 2.5, lagBytes: 32 }, 'good', 'follows, 1 update (2.5 ms, 32 octets) behind'],
  [
    { isListed: false, state: 'filling', lagUpdates: 900, lagMs: 1_200, lagBytes: 40_000 },
    'warning',
    'being filled, may not take over, 900 updates (1200 ms, 40000 octets) behind',
  ],
  [{ state: 'silent' }, 'bad', 'silent, nothing behind'],
  [{ isListed: false, state: 'away' }, 'bad', 'no connection, may not take over, nothing behind'],
] as const)('%j', (change, tone, text) => {
  expect([standbyTone({ ...standby, ...change }), describeStandby({ ...standby, ...change })]).toEqual([
    tone,
    text,
  ]);
});

test.each<[Partial<PoolSharingView>, string]>([
  [{}, 'State by replicate per key, opaque kv/1, held by 1 standby: a failover loses nothing'],
  [{ method: 'none', level: 'none' }, 'State is not shared: a failover loses every session'],
  [{ method: null }, 'State sharing is refused: nobody can'],
])('%j', (change, text) => {
  const view: PoolSharingView = {
    method: 'replicate',
    level: 'replicate per key, opaque kv/1, held by 1 standby',
    reason: 'nobody can',
    loses: 'nothing',
    since: 0,
    lastResortMs: null,
    notUsed: [],
  };
  expect(describeLevel({ ...view, ...change })).toBe(text);
});

test('an explanation becomes stale when another standby may take over', () => {
  const state = new Scenario(0).state(0);
  const withStandby = (isListed: boolean) => ({
    ...state,
    slots: state.slots.map((slot) => ({
      ...slot,
      sharing: {
        method: 'replicate' as const,
        isProtected: true,
        isLossy: false,
        verdict: '',
        state: null,
        standbys: [{ ...standby, isListed }],
      },
    })),
  });
  expect(explanationKey(withStandby(true), 'web')).not.toBe(explanationKey(withStandby(false), 'web'));
});

test('first packets that wait, and what became of the others', () => {
  expect(describeFirstPackets({ waiting: 2, released: 120, dropped: 1 })).toBe(
    '2 wait, 120 let go, 1 dropped',
  );
});

test('mergeable state at a node: what there is, who lacks how much, and what is wrong', () => {
  const peer = { node: 'node-b', behind: 0, silentMs: 0, isSilent: false };
  const merged: MergedStateView = {
    node: 'node-a',
    at: 0,
    cells: 1,
    bytes: 20,
    replicas: 2,
    trouble: '',
    peers: [peer, { ...peer, node: 'node-c', behind: 1 }],
  };
  expect([mergedTone(merged), describeMerged(merged)]).toEqual([
    'good',
    '1 piece; node-b 0 steps behind; node-c 1 step behind',
  ]);
  const silent = { ...merged, cells: 2, peers: [{ ...peer, behind: 3, silentMs: 9_000, isSilent: true }] };
  expect([mergedTone(silent), describeMerged(silent)]).toEqual([
    'bad',
    '2 pieces; node-b 3 steps behind, not heard for 9 s',
  ]);
  expect(mergedTone({ ...merged, trouble: 'full' })).toBe('bad');
  expect(describeMerged({ ...merged, trouble: 'full', peers: [] })).toBe('1 piece; full');
});
