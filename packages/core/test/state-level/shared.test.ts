// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import { askOf, offersOf, type StateLevel, settle, slotSharingOf } from '@vnfpool/core/state-level';
import { expect, test } from 'vitest';

const asked: DeclaredSharing = { methods: ['shared'], store: 'main', storeAddress: 'redis://store' };
const state = { via: 'socket', shares: true } as const;

/** What a pool of two that asks for this goes by. */
function settled(sharing: DeclaredSharing): StateLevel | null {
  const pool = { redundancy: { slots: 1, standbys: 1, spares: 0 }, addresses: [] };
  const levels = offersOf({ state }, sharing);
  return settle(askOf(sharing, pool), [{ instance: 'kv', levels }], 2).level;
}

test('who must lose nothing waits for the store, and nodes are told so', () => {
  const sharing: DeclaredSharing = { ...asked, loss: 0 };
  const level = settled(sharing);
  expect(level).toMatchObject({ method: 'shared', writes: 'through', store: 'main', overload: 'block' });
  expect(slotSharingOf(level as StateLevel, sharing)).toEqual({
    method: 'shared',
    store: 'redis://store',
    writes: { type: 'through' },
    windowOctets: 524_288,
    overload: 'block',
  });
});

test.each<[string, Partial<DeclaredSharing>, object]>([
  ['a second where nothing is asked', {}, { ms: 1_000 }],
  ['as much time as is asked', { loss: { ms: 3_000 } }, { ms: 3_000 }],
  ['as many updates', { loss: { updates: 7 } }, { updates: 7 }],
])('who may lose something does not: %s', (_, more, lag) => {
  const sharing: DeclaredSharing = { ...asked, ...more, lastResortMs: 10_000 };
  const level = settled(sharing);
  expect(level).toMatchObject({ writes: 'behind', lag, overload: 'degrade' });
  expect(slotSharingOf(level as StateLevel, sharing)).toMatchObject({
    writes: { type: 'behind', lag },
    overload: 'degrade',
    withoutAfterMs: 10_000,
  });
});

test('less than any store can do is refused, unless it waits', () => {
  expect(settled({ ...asked, loss: { ms: 1 } })).toMatchObject({ writes: 'through' });
  expect(settled({ ...asked, overload: 'block' })).toMatchObject({ writes: 'behind', overload: 'block' });
});

test.each([
  ['redis://store', false],
  ['rediss://store', true],
  ['etcd://store', false],
  ['etcds://store', true],
])('%s: encrypted on the way: %s', (storeAddress, encryption) => {
  const [level] = offersOf({ state }, { ...asked, storeAddress }).filter(({ method }) => method === 'shared');
  expect(level?.protection).toMatchObject({ encryption, integrity: true });
});

test('nobody offers it unasked, nor without a function that shares', () => {
  expect(offersOf({ state }, { methods: ['replicate'] }).map(({ method }) => method)).not.toContain('shared');
  expect(offersOf({ state: { via: 'socket' } }, asked)).toEqual([]);
});
