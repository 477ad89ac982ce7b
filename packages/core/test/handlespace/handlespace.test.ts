// SPDX-License-Identifier: Apache-2.0
import { Handlespace, poolKey, poolName } from '@vnfpool/core/handlespace';
import { encodeUtf8, fromHex } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from './seeded-random.ts';

const web = encodeUtf8('web');
const element = (id: number, change: Partial<PoolElement> = {}): PoolElement => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy: { type: 'round-robin' },
  ...change,
});
const limits = { poolsMax: 2, elementsPerPoolMax: 2, poolHandleBytesMax: 4 };

describe('Handlespace', () => {
  test('a pool lives from its first element to its last', () => {
    const space = new Handlespace(seededRandom(1));
    expect(space.set(web, element(1)).kind).toBe('added');
    expect(space.set(web, element(1, { registrationLife: 5 })).kind).toBe('replaced');
    expect(space.set(web, element(2)).kind).toBe('added');
    expect(space.pool(web)?.get(1)?.registrationLife).toBe(5);
    expect(
      space
        .pool(web)
        ?.select(9)
        .map(({ id }) => id),
    ).toEqual([1, 2]);
    expect(space.delete(web, 1)?.id).toBe(1);
    expect(space.delete(web, 1)).toBeUndefined();
    expect(space.delete(web, 2)?.id).toBe(2);
    expect(space.pool(web)).toBeUndefined();
    expect(space.size).toBe(0);
  });

  test.each<[string, Partial<PoolElement>, string]>([
    ['policy', { policy: { type: 'random' } }, 'policy'],
    ['transport', { userTransport: { type: 'udp', port: 80, address: '10.0.0.1' } }, 'transport'],
    [
      'use',
      { userTransport: { type: 'tcp', port: 80, address: '10.0.0.1', use: 'data-and-control' } },
      'use',
    ],
  ])('the first element fixes the %s, also for its own re-registration', (_name, change, reason) => {
    const space = new Handlespace(seededRandom(1));
    space.set(web, element(1));
    expect(space.set(web, element(2, change))).toMatchObject({ kind: 'refused', reason });
    expect(space.set(web, element(1, change))).toMatchObject({ kind: 'refused', reason });
    expect(space.pool(web)?.size).toBe(1);
  });

  test('limits refuse what is new and let the old go on', () => {
    const space = new Handlespace(seededRandom(1), { limits });
    expect(space.set(encodeUtf8('toolong'), element(1))).toMatchObject({ reason: 'handle-too-long' });
    expect(space.set(new Uint8Array(0), element(1))).toMatchObject({ reason: 'handle-empty' });
    space.set(web, element(1));
    space.set(web, element(2));
    expect(space.set(web, element(3))).toMatchObject({ reason: 'pool-full' });
    expect(space.set(web, element(2)).kind).toBe('replaced');
    space.set(encodeUtf8('b'), element(1));
    expect(space.set(encodeUtf8('c'), element(1))).toMatchObject({ reason: 'pools-full' });
    expect(space.size).toBe(2);
  });

  test('a pool is not made by a policy that we cannot select by', () => {
    const space = new Handlespace(seededRandom(1));
    const policy = { type: 'other', code: 99, data: new Uint8Array(0) } as const;
    expect(space.set(web, element(1, { policy }))).toMatchObject({ reason: 'policy-unsupported' });
    expect(space.size).toBe(0);
  });

  test('the handle is copied from the message', () => {
    const space = new Handlespace(seededRandom(1));
    const handle = web.slice();
    space.set(handle, element(1));
    handle.fill(0);
    expect(space.pool(web)?.handle).toEqual(web);
  });
});

test('a pool handle is any octets; its name is text where it can be', () => {
  expect(poolName(web)).toBe('web');
  expect(poolName(encodeUtf8('büro'))).toBe('büro');
  expect(poolName(fromHex('ff00'))).toBe('0xff00');
  expect(poolName(fromHex('610a'))).toBe('0x610a');
  expect(poolKey(fromHex('ff'))).not.toBe(poolKey(fromHex('c3bf')));
});
