// SPDX-License-Identifier: Apache-2.0
import type { PoolSharingView, SlotSharingView, StandbyStateView } from '@vnfpool/core/management';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOW } from '../../daemons/test/management-api/edge-state.ts';
import { showBytes } from '../src/output/amount.ts';
import { renderPool, renderSlot } from '../src/output/explanation.ts';
import { painter } from '../src/output/paint.ts';
import { mergedCell, sharingCell, sharingLines } from '../src/output/sharing.ts';
import { slotColumns } from '../src/tables/slots.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

const standby: StandbyStateView = {
  instance: 'web#2',
  node: 'node-b',
  isListed: true,
  state: 'following',
  lagUpdates: 3,
  lagMs: 2,
  lagBytes: 96,
  roundTripMs: 0.5,
};
const sharing: SlotSharingView = {
  method: 'replicate',
  isProtected: true,
  isLossy: false,
  verdict: 'A failover loses up to 2000 ms.',
  state: { at: NOW - 1_000, keys: 1, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0 },
  standbys: [
    standby,
    {
      ...standby,
      instance: null,
      node: 'node-c',
      isListed: false,
      state: 'filling',
      lagUpdates: 1,
      roundTripMs: null,
    },
  ],
};
const level: PoolSharingView = {
  method: 'replicate',
  level: 'replicate per key, opaque kv/1, at most 2000 ms behind',
  reason: 'the pool prefers it; all 2 instances offer it',
  loses: 'up to 2000 ms',
  since: NOW,
  lastResortMs: 10_000,
  notUsed: [],
};

/** The head of a table and the row of web. */
async function rows(...words: readonly string[]): Promise<string[]> {
  const { out } = await bench.run(['get', ...words, '--pool', 'web']);
  return out.split('\n').slice(0, 2);
}

test('pools and slots have no column for what nobody shares', async () => {
  expect((await rows('pools', '-o', 'wide')).join()).not.toMatch(/STATE|LEVEL/);
  expect((await rows('slots')).join()).not.toContain('STATE');
});

test('get pools tells what is shared and what a failover loses', async () => {
  bench.backend.change({ pools: bench.backend.view.pools.map((pool) => ({ ...pool, sharing: level })) });
  expect(await rows('pools')).toEqual([
    expect.stringContaining('  STATE  '),
    expect.stringContaining('  replicate, loses up to 2000 ms  '),
  ]);
  expect((await rows('pools', '-o', 'wide')).join()).toContain(level.level);
});

test('get slots tells who has the state', async () => {
  bench.backend.change({ slots: bench.backend.view.slots.map((slot) => ({ ...slot, sharing })) });
  expect(await rows('slots')).toEqual([
    expect.stringContaining('  STATE  '),
    expect.stringContaining('  1/2 have it, 3 updates and 2 ms behind  '),
  ]);
});

test.each<[string, SlotSharingView | null | undefined]>([
  ['', undefined],
  ['', null],
  ['not told', { ...sharing, state: null, standbys: [] }],
  [
    'store has it, 10 updates and 400 ms behind',
    {
      ...sharing,
      method: 'checkpoint',
      standbys: [],
      checkpoint: { sequence: 30, ageMs: 400, fault: '' },
    },
  ],
  [
    'store fails, 10 updates and 9 s behind, may be lossy',
    {
      ...sharing,
      method: 'checkpoint',
      isLossy: true,
      standbys: [],
      checkpoint: { sequence: 30, ageMs: 9_000, fault: 'it is gone' },
    },
  ],
  [
    'store has it, 0 updates and 0 ms behind',
    {
      ...sharing,
      method: 'shared',
      standbys: [],
      checkpoint: { sequence: 40, ageMs: 0, fault: '' },
    },
  ],
  ['0/0 have it', { ...sharing, standbys: [] }],
  [
    '1/1 have it, 1 update and 0 ms behind, may be lossy',
    { ...sharing, isLossy: true, standbys: [{ ...standby, lagUpdates: 1, lagMs: 0 }] },
  ],
  [
    '1/1 have it, 3 updates and 2 ms behind, a copy differs, events lost',
    {
      ...sharing,
      standbys: [{ ...standby, digests: { agreed: 9, differed: 1, agreedAt: null, isDiffering: true } }],
      overruns: { times: 2, isAmid: true },
    },
  ],
  [
    '1/1 have it, 3 updates and 2 ms behind',
    {
      ...sharing,
      standbys: [{ ...standby, digests: { agreed: 9, differed: 1, agreedAt: NOW, isDiffering: false } }],
      overruns: { times: 2, isAmid: false },
    },
  ],
  [
    '1/1 have it, 3 updates and 2 ms behind, damaged at its holder',
    { ...sharing, standbys: [standby], damage: { found: 4, now: 1 } },
  ],
  [
    '1/1 have it, 3 updates and 2 ms behind',
    { ...sharing, standbys: [standby], damage: { found: 4, now: 0 } },
  ],
  [
    '1/1 have it, 3 updates and 2 ms behind, not all is told',
    { ...sharing, isProtected: false, fault: 'the copy is full', standbys: [standby] },
  ],
])('a cell: %s', (text, view) => {
  expect(sharingCell(view)).toBe(text);
});

test('explain tells it standby by standby', async () => {
  const paint = painter(false);
  const slot = {
    pool: 'web',
    index: 0,
    id: '',
    epoch: 1,
    holder: 'web#1',
    node: 'node-a',
    why: 'It is so.',
    since: null,
    leaseMs: 300,
    council: 'All answer.',
    frozen: null,
    failback: null,
    candidates: [],
    lastFailover: null,
    sharing,
  };
  const expected = [
    '  State by replicate: A failover loses up to 2000 ms.',
    '  1 key, 160 B; 10 updates a second, 0 waiting; told 1s ago',
    '    web#2  node-b  may take over  following  3 updates, 2 ms, 96 B behind, round trip 0.5 ms',
    '    -      node-c  may not        filling    1 update, 2 ms, 96 B behind',
  ];
  expect(renderSlot(slot, NOW, paint).split('\n').slice(3, 7)).toEqual(expected);
  const pool = { pool: 'web', lines: ['State sharing, used: none'], slots: [{ ...slot, candidates: [] }] };
  expect(renderPool(pool, NOW, paint).split('\n').slice(3, 7)).toEqual(expected);
});

test('what goes to each standby, how its digests compare, and what is to be looked at, have lines of their own', () => {
  const stream = {
    silentMs: 60,
    updatesPerSecond: 10,
    bytesPerSecond: 2_048,
    updatesSent: 90,
    bytesSent: 2_880,
    underWayBytes: 32,
    fills: 1,
  };
  const digests = { agreed: 40, differed: 0, agreedAt: NOW - 3_000, isDiffering: false };
  const view: SlotSharingView = {
    ...sharing,
    alarms: ['web#2 on node-b had another state.', 'The kernel of node-a lost events.'],
    overruns: { times: 9, isAmid: true },
    damage: { found: 4, now: 1 },
    standbys: [
      { ...standby, stream, digests },
      {
        ...standby,
        node: 'node-c',
        stream: { ...stream, silentMs: null, fills: 3 },
        digests: { ...digests, differed: 2, agreedAt: null, isDiffering: true, filledInMs: 1_950 },
      },
    ],
  };
  expect(sharingLines(view, NOW)).toEqual([
    '  State by replicate: A failover loses up to 2000 ms.',
    '  Look: web#2 on node-b had another state.',
    '  Look: The kernel of node-a lost events.',
    '  1 key, 160 B; 10 updates a second, 0 waiting; told 1s ago',
    '    events of the kernel: lost 9 times, all is listed anew',
    '    in the memory of its holder: 1 damaged now, 4 since it is held',
    '    web#2  node-b  may take over  following  3 updates, 2 ms, 96 B behind, round trip 0.5 ms',
    '      gets 10 updates and 2 KiB a second, 32 B under way, heard 60 ms before; digests agreed 40 times, last 3s ago; differed 0 times; got all once',
    '    web#2  node-c  may take over  following  3 updates, 2 ms, 96 B behind, round trip 0.5 ms',
    '      gets 10 updates and 2 KiB a second, 32 B under way, never heard; digests agreed 40 times; differed 2 times, and lately; got all 3 times; gets all anew in 1.9 s',
  ]);
  expect(
    sharingLines({ ...view, alarms: [], standbys: [], overruns: { times: 1, isAmid: false } }, NOW),
  ).toEqual([
    '  State by replicate: A failover loses up to 2000 ms.',
    '  1 key, 160 B; 10 updates a second, 0 waiting; told 1s ago',
    '    events of the kernel: lost once, and all was listed anew',
    '    in the memory of its holder: 1 damaged now, 4 since it is held',
  ]);
});

test('how far a store is behind, in octets too', () => {
  const checkpoint = { sequence: 30, ageMs: 400, lagBytes: 2_048, fault: '' };
  expect(sharingLines({ ...sharing, method: 'checkpoint', standbys: [], checkpoint }, NOW).at(-1)).toBe(
    '    store: store has it, 10 updates, 400 ms and 2 KiB behind',
  );
});

test('status says what is to be looked at, as the reason of the pool, and slots have it in red', async () => {
  const alarm = 'web#2 on node-b had another state than the holder of slot 0 of web: it gets all of it anew.';
  const digests = { agreed: 9, differed: 1, agreedAt: null, isDiffering: true };
  const view = { ...sharing, alarms: [alarm], standbys: [{ ...standby, digests }] };
  bench.backend.change({
    pools: bench.backend.view.pools.map((pool) => ({
      ...pool,
      health: 'degraded',
      reason: `It serves, but: ${alarm}`,
    })),
    slots: bench.backend.view.slots.map((slot) => ({ ...slot, sharing: view })),
  });
  const { out } = await bench.run(['status']);
  expect(out).toContain(`It serves, but: ${alarm}`);
  expect(out).toContain('1/1 have it, 3 updates and 2 ms behind, a copy differs');
  const tone = slotColumns.find(({ title }) => title === 'STATE')?.tone;
  const [slot] = bench.backend.view.slots;
  expect(slot && tone?.(slot)).toBe('bad');
});

test('of mergeable state the pairs of nodes that are worst', () => {
  const level: PoolSharingView = {
    method: 'gossip',
    level: 'gossip per key, opaque limits/1',
    reason: 'the pool prefers it; all 2 instances offer it',
    loses: 'what had not spread yet, without a bound',
    since: NOW,
    lastResortMs: null,
    notUsed: [],
  };
  const at = (node: string, behind: number, silentMs: number, behindMs = 0) => ({
    node,
    at: NOW,
    cells: 4,
    bytes: 200,
    replicas: 2,
    trouble: '',
    peers: [{ node: 'other', behind, behindMs, silentMs, isSilent: silentMs > 3_000 }],
  });
  expect(mergedCell(level)).toBe('');
  expect(mergedCell({ ...level, merged: [at('a', 0, 0), at('b', 1, 1_000)] })).toBe('1 step behind');
  expect(mergedCell({ ...level, merged: [at('a', 7, 9_000), at('b', 0, 5_000)] })).toBe(
    '7 steps behind, 9 s silent',
  );
  expect(mergedCell({ ...level, merged: [at('a', 7, 0, 4_000), at('b', 0, 0)] })).toBe(
    '7 steps behind for 4 s',
  );
  const [pair] = at('a', 7, 0).peers;
  const digests = { differed: 1, agreedMs: null, isDiffering: true };
  const differs = { ...at('a', 7, 0), peers: pair ? [{ ...pair, behindBytes: 2_048, digests }] : [] };
  expect(mergedCell({ ...level, merged: [differs, at('b', 0, 0)] })).toBe(
    `7 steps (${showBytes(2_048)}) behind, 1 differ`,
  );
});
