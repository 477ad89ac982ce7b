// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import {
  CLOSED,
  endsOf,
  type Horizons,
  horizonOf,
  leave,
  makeAhead,
  NO_HORIZONS,
  renew,
} from '../../src/fence/horizons.ts';

const LEAST_MS = 8;
const all = (count: number, untilMs: number): Map<string, number> =>
  new Map(Array.from({ length: count }, (_, at) => [`s${at}`, untilMs]));
const endOf = (horizons: Horizons, slot: string): number =>
  horizons.horizons.get(horizonOf(horizons, slot))?.endMs ?? Number.NEGATIVE_INFINITY;

describe('horizons', () => {
  test('slots renewed together share one, which every renewal moves', () => {
    let now = renew(NO_HORIZONS, all(1000, 300), 0, LEAST_MS);
    expect(now.horizons.size).toBe(1);
    const first = horizonOf(now, 's0');
    now = renew(now, all(1000, 400), 100, LEAST_MS);
    expect(now.horizons.size).toBe(1);
    expect([horizonOf(now, 's999'), endOf(now, 's999')]).toEqual([first, 400]);
  });

  test('renewed in several parts, it moves with the last of them: one write a round', () => {
    let now = renew(NO_HORIZONS, all(90, 300), 0, LEAST_MS);
    for (let part = 0; part < 3; part++) {
      const slots = [...all(90, 400)].slice(part * 30, part * 30 + 30);
      now = renew(now, new Map(slots), 100 + part, LEAST_MS);
      expect(now.horizons.size).toBe(1);
      expect(endOf(now, 's0')).toBe(part < 2 ? 300 : 400);
    }
  });

  test('one that is not renewed leaves before it would hold the others back, and keeps its own end', () => {
    let now = renew(NO_HORIZONS, all(3, 300), 0, LEAST_MS);
    const two = (untilMs: number): Map<string, number> => all(2, untilMs);
    now = renew(now, two(400), 100, LEAST_MS);
    expect(endOf(now, 's0')).toBe(300);
    now = renew(now, two(500), 200, LEAST_MS);
    expect([endOf(now, 's0'), endOf(now, 's2')]).toEqual([500, 300]);
    now = renew(now, two(600), 300, LEAST_MS);
    // Nobody renews its horizon: it stays until somebody looks, and is over.
    expect(endOf(now, 's2')).toBe(300);
    now = renew(now, all(3, 700), 400, LEAST_MS);
    expect([now.horizons.size, endOf(now, 's2')]).toEqual([1, 700]);
  });

  test('one that is expected is made ahead, and shared by whoever is open until then or a little longer', () => {
    const expected = makeAhead(NO_HORIZONS, 300, 0, LEAST_MS);
    expect([...endsOf(expected)]).toEqual([[1, 300]]);
    expect(makeAhead(expected, 300, 5, LEAST_MS)).toBe(expected);
    const open = renew(expected, all(1, 301), 5, LEAST_MS);
    expect([horizonOf(open, 's0'), endOf(open, 's0')]).toEqual([1, 300]);
    const renewed = renew(open, all(1, 400), 100, LEAST_MS);
    expect([...endsOf(renewed)]).toEqual([[1, 400]]);
  });

  test('one that is expected is in nobody’s way', () => {
    const expected = makeAhead(NO_HORIZONS, 300, 0, LEAST_MS);
    // It would be closed late, or far too early.
    for (const untilMs of [299, 3_000]) {
      const open = renew(expected, all(1, untilMs), 0, LEAST_MS);
      expect([horizonOf(open, 's0'), endOf(open, 's0')]).toEqual([2, untilMs]);
    }
    // Over.
    expect([...endsOf(renew(expected, all(1, 600), 295, LEAST_MS))]).toEqual([[1, 600]]);
    // Another one is expected in its place.
    expect([...endsOf(makeAhead(expected, 400, 50, LEAST_MS))]).toEqual([[1, 400]]);
    // There is one that it would share, or it is over already.
    const held = renew(NO_HORIZONS, all(1, 300), 0, LEAST_MS);
    expect(makeAhead(held, 310, 10, LEAST_MS)).toBe(held);
    expect(makeAhead(NO_HORIZONS, 7, 0, LEAST_MS)).toBe(NO_HORIZONS);
  });

  test('leases of other lengths share nothing', () => {
    const now = renew(
      NO_HORIZONS,
      new Map([
        ['fast', 24],
        ['normal', 300],
        ['calm', 3000],
      ]),
      0,
      LEAST_MS,
    );
    expect(['fast', 'normal', 'calm'].map((slot) => endOf(now, slot))).toEqual([24, 300, 3000]);
  });

  test('too little left closes', () => {
    const open = renew(NO_HORIZONS, all(1, 300), 0, LEAST_MS);
    for (const untilMs of [7, -1, Number.NaN])
      expect(horizonOf(renew(open, all(1, untilMs), 0, LEAST_MS), 's0')).toBe(CLOSED);
  });

  test('who leaves is closed, and a horizon that nobody shares is gone', () => {
    const now = leave(renew(NO_HORIZONS, all(2, 300), 0, LEAST_MS), ['s0']);
    expect([horizonOf(now, 's0'), endOf(now, 's1')]).toEqual([CLOSED, 300]);
    expect(leave(now, ['s1', 's7']).horizons.size).toBe(0);
  });
});
