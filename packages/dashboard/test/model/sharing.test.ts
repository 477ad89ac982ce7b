// SPDX-License-Identifier: Apache-2.0
import type { MergedStateView, PoolSharingView, StandbyStateView } from '@vnfpool/core/management';
import { expect, test } from 'vitest';
import {
  describeFirstPackets,
  describeLevel,
  describeMerged,
  describeOverruns,
  describeStandby,
  describeStream,
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

test('what goes to a standby, and how its digests compare; nothing where its holder does not say', () => {
  const stream = {
    silentMs: 20,
    updatesPerSecond: 1,
    bytesPerSecond: 32,
    updatesSent: 90,
    bytesSent: 2_880,
    underWayBytes: 0,
    fills: 1,
  };
  const digests = { agreed: 40, differed: 0, agreedAt: 10_000, isDiffering: false };
  expect(describeStream(standby, 10_000)).toBe('');
  expect(describeStream({ ...standby, stream, digests }, 10_500)).toBe(
    '1 update (32 octets) a second; digests agree: last just now, 40 times',
  );
  const differing: StandbyStateView = {
    ...standby,
    stream: {
      ...stream,
      updatesPerSecond: 0,
      bytesPerSecond: 0,
      updatesSent: 90,
      bytesSent: 2_880,
      fills: 3,
    },
    digests: { agreed: 1, differed: 2, agreedAt: 10_000, isDiffering: true },
  };
  expect(describeStream(differing, 19_000)).toBe(
    '0 updates (0 octets) a second; digests differed; they agreed: last 9 s ago, 1 time; differed 2 times; got all 3 times',
  );
  expect([standbyTone({ ...standby, stream, digests }), standbyTone(differing)]).toEqual(['good', 'bad']);
  expect(
    describeStream(
      { ...differing, digests: { agreed: 0, differed: 1, agreedAt: null, isDiffering: true } },
      0,
    ),
  ).toContain('digests differed; they agreed: never; differed 1 time');
});

test('events that the kernel lost', () => {
  expect(describeOverruns({ times: 1, isAmid: true })).toBe('1 time, all connections are listed anew');
  expect(describeOverruns({ times: 9, isAmid: false })).toBe('9 times, and all connections were listed anew');
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
  expect(describeMerged({ ...merged, peers: [{ ...peer, behind: 3, behindMs: 4_000 }] })).toBe(
    '1 piece; node-b 3 steps behind for 4 s',
  );
  const same = { differed: 1, agreedMs: 2_000, isDiffering: false };
  const lately = { ...merged, damaged: 1, peers: [{ ...peer, behind: 3, behindBytes: 70, digests: same }] };
  expect([mergedTone(lately), describeMerged(lately)]).toEqual([
    'good',
    '1 piece; node-b 3 steps (70 octets) behind, the same 2 s ago; 1 damaged in memory so far',
  ]);
  const differs = { ...merged, peers: [{ ...peer, digests: { ...same, isDiffering: true } }] };
  expect([mergedTone(differs), describeMerged(differs)]).toEqual([
    'bad',
    '1 piece; node-b 0 steps behind, has something else',
  ]);
  expect(mergedTone({ ...merged, trouble: 'full' })).toBe('bad');
  expect(describeMerged({ ...merged, trouble: 'full', peers: [] })).toBe('1 piece; full');
});
