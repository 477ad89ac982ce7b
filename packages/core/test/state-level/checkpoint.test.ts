// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import { askOf, offersOf, type StateLevel, settle, slotSharingOf } from '@vnfpool/core/state-level';
import { expect, test } from 'vitest';

const asked: DeclaredSharing = {
  methods: ['checkpoint'],
  loss: { ms: 2_000 },
  store: 'main',
  storeAddress: 'redis://store',
  lastResortMs: 10_000,
};
const offered = (sharing: DeclaredSharing): StateLevel | undefined =>
  offersOf({ state: { via: 'socket', shares: true } }, sharing).find(
    ({ method }) => method === 'checkpoint',
  ) as StateLevel | undefined;

test('what is asked for is offered, and told to nodes', () => {
  const level = offered(asked);
  expect(level).toMatchObject({ intervalMs: 2_000, overload: 'degrade', protection: { encryption: false } });
  expect(slotSharingOf(level as StateLevel, asked)).toEqual({
    method: 'checkpoint',
    store: 'redis://store',
    intervalMs: 2_000,
    windowOctets: 524_288,
    overload: 'degrade',
    withoutAfterMs: 10_000,
    format: 'state/1',
  });
  const named = offersOf({ state: { via: 'socket', shares: true, format: 'kv/2' } }, asked).find(
    ({ method }) => method === 'checkpoint',
  );
  expect(slotSharingOf(named as StateLevel, asked)).toMatchObject({ format: 'kv/2' });
});

test('how many are kept is no part of the level, and told to nodes', () => {
  const level = offered(asked) as StateLevel;
  expect(offered({ ...asked, keepFull: 9 })).toEqual(level);
  expect(slotSharingOf(level, { ...asked, keepFull: 9 })).toMatchObject({ keepFull: 9 });
});

test('an interval has a least, updates wait where that is asked for, and TLS encrypts', () => {
  const level = offered({
    ...asked,
    loss: { ms: 1 },
    overload: 'block',
    storeAddress: 'rediss://store',
  });
  expect(level).toMatchObject({ intervalMs: 200, overload: 'block', protection: { encryption: true } });
});

test.each([1_024, 8_388_608])('a window of %i octets is had as it is asked for', (windowOctets) => {
  const sharing = { ...asked, windowOctets };
  const own = { instance: 'kv', levels: offersOf({ state: { via: 'socket', shares: true } }, sharing) };
  const pool = { redundancy: { slots: 1, standbys: 1, spares: 0 }, addresses: [] };
  expect(settle(askOf(sharing, pool), [own]).level).toMatchObject({ windowOctets });
});

test('nobody offers it unasked, nor without a function that shares', () => {
  expect(offered({ methods: ['replicate'] })).toBeUndefined();
  expect(offersOf({ state: { via: 'socket' } }, asked)).toEqual([]);
});
