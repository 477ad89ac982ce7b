// SPDX-License-Identifier: Apache-2.0
import { Handlespace } from '@vnfpool/core/handlespace';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from './seeded-random.ts';

const [echo, web] = [encodeUtf8('EchoPool'), encodeUtf8('web')];
const element = (id: number, homeRegistrar: number): PoolElement => ({
  id,
  homeRegistrar,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy: { type: 'round-robin' },
});
const ids = (placed: Iterable<{ readonly element: PoolElement }>): number[] =>
  [...placed].map((one) => one.element.id);

describe('PE checksum, RFC 5353 §3.6.2', () => {
  test('of nothing, of one element, of two; each owner has its own', () => {
    const space = new Handlespace(seededRandom(1));
    expect(space.checksum(7)).toBe(0xffff);
    space.set(echo, element(0x12345678, 7));
    expect(space.checksum(7)).toBe(0x29a5);
    space.set(web, element(0xaaaa0001, 7));
    expect(space.checksum(7)).toBe(0xa593);
    expect(space.checksum(8)).toBe(0xffff);
    space.delete(echo, 0x12345678);
    expect(space.checksum(7)).toBe(0x7bee);
    space.delete(web, 0xaaaa0001);
    expect(space.checksum(7)).toBe(0xffff);
  });

  test('a new registration changes nothing, another home does', () => {
    const space = new Handlespace(seededRandom(1));
    space.set(web, element(0xaaaa0001, 7));
    space.set(web, element(0xaaaa0001, 7));
    expect(space.checksum(7)).toBe(0x7bee);
    space.set(web, element(0xaaaa0001, 8));
    expect([space.checksum(7), space.checksum(8)]).toEqual([0xffff, 0x7bee]);
  });

  test('wrap32 loses the carry out of 32 bits, exact does not', () => {
    const limits = { elementsMax: 100_000, elementsPerPoolMax: 100_000 };
    const exact = new Handlespace(seededRandom(1), { limits });
    const wrap32 = new Handlespace(seededRandom(1), { limits, checksum: 'wrap32' });
    let sum = 0;
    for (let id = 0xffff0000; id < 0xffff0000 + 50_000; id++) {
      for (const space of [exact, wrap32]) space.set(web, element(id, 7));
      sum += 0x7765 + 0x6200 + 0xffff + (id & 0xffff);
    }
    // From the definition: the carry out of 32 bits counts as one, or is lost.
    expect(sum).toBeGreaterThan(2 ** 32);
    const carries = Math.floor(sum / 2 ** 32);
    expect(wrap32.checksum(7) - exact.checksum(7)).toBe(carries);
    expect(0xffff - (sum % 0xffff)).toBe(exact.checksum(7));
  });
});

describe('ownership', () => {
  test('elements are counted, told in all and by owner', () => {
    const space = new Handlespace(seededRandom(1));
    space.set(web, element(1, 7));
    space.set(web, element(2, 8));
    space.set(echo, element(3, 7));
    expect([space.size, space.elementCount, space.ownedCount(7), space.ownedCount(9)]).toEqual([2, 3, 2, 0]);
    expect(ids(space.elements())).toEqual([1, 2, 3]);
    expect([...space.owned(7)].map(({ pool, element: { id } }) => [pool.handle, id])).toEqual([
      [web, 1],
      [echo, 3],
    ]);
    space.delete(web, 2);
    expect([space.elementCount, space.ownedCount(8)]).toEqual([2, 0]);
  });

  test('iterators survive what comes and goes while they stand still', () => {
    const space = new Handlespace(seededRandom(1));
    for (const id of [1, 2, 3]) space.set(web, element(id, 7));
    const [all, own] = [space.elements(), space.owned(7)];
    expect([all.next().value?.element.id, own.next().value?.element.id]).toEqual([1, 1]);
    space.delete(web, 1);
    space.delete(web, 2);
    space.set(web, element(3, 7));
    space.set(web, element(4, 7));
    space.set(echo, element(5, 7));
    expect([ids(all), ids(own)]).toEqual([
      [3, 4, 5],
      [3, 4, 5],
    ]);
  });

  test('iterators go on when everything went and something new came', () => {
    const space = new Handlespace(seededRandom(1));
    for (const id of [1, 2]) space.set(web, element(id, 7));
    const [all, own] = [space.elements(), space.owned(7)];
    all.next();
    own.next();
    for (const id of [1, 2]) space.delete(web, id);
    space.set(web, element(3, 7));
    expect([ids(all), ids(own)]).toEqual([[3], [3]]);
    expect(ids(space.owned(9))).toEqual([]);
  });

  test('all elements of a dead registrar get a new home, and keep their turn', () => {
    const space = new Handlespace(seededRandom(1));
    for (const id of [1, 2, 3]) space.set(web, element(id, id === 2 ? 8 : 7));
    space.pool(web)?.select(1);
    expect(space.transfer(7, 9).map(({ element: { id, homeRegistrar } }) => [id, homeRegistrar])).toEqual([
      [1, 9],
      [3, 9],
    ]);
    expect(space.pool(web)?.get(3)?.homeRegistrar).toBe(9);
    expect([7, 8, 9].map((owner) => space.ownedCount(owner))).toEqual([0, 1, 2]);
    expect(
      space
        .pool(web)
        ?.select(3)
        .map(({ id }) => id),
    ).toEqual([2, 3, 1]);
    expect(space.transfer(9, 9)).toEqual([]);
    expect(space.transfer(5, 9)).toEqual([]);
  });

  test('the limit on all elements refuses what is new', () => {
    const space = new Handlespace(seededRandom(1), { limits: { elementsMax: 2 } });
    space.set(web, element(1, 7));
    space.set(web, element(2, 7));
    expect(space.set(web, element(3, 7))).toMatchObject({ reason: 'handlespace-full' });
    expect(space.set(echo, element(3, 7))).toMatchObject({ reason: 'handlespace-full' });
    expect(space.set(web, element(2, 7)).kind).toBe('replaced');
  });
});
