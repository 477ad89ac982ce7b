// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { endOfStretch, kindAt, kindNamed, SET_KINDS, STRETCH } from './set-kinds.ts';

const NAMES = SET_KINDS.map(({ name }) => name).toSorted();

test('a round of stretches has every kind once, whatever the seed', () => {
  for (let seed = 1; seed <= 20; seed++) {
    for (const round of [0, 1, 7]) {
      const first = 1 + round * STRETCH * SET_KINDS.length;
      const kinds = SET_KINDS.map((_, stretch) => kindAt(seed, first + stretch * STRETCH).name);
      expect(kinds.toSorted()).toEqual(NAMES);
    }
  }
});

test('a stretch has one kind, by which each of its faults can be done again alone', () => {
  for (let number = 1; number <= 60; number++) {
    expect(kindAt(9, number)).toBe(kindAt(9, endOfStretch(number)));
    expect(endOfStretch(number) - number).toBeLessThan(STRETCH);
  }
  expect(endOfStretch(1)).toBe(STRETCH);
  expect(endOfStretch(STRETCH)).toBe(STRETCH);
  expect(endOfStretch(STRETCH + 1)).toBe(2 * STRETCH);
});

test('seeds have orders of their own', () => {
  const orders = Array.from({ length: 20 }, (_, seed) =>
    SET_KINDS.map((_kind, stretch) => kindAt(seed + 1, 1 + stretch * STRETCH).name).join(),
  );
  expect(new Set(orders).size).toBeGreaterThan(5);
});

test('a kind that there is not is refused, with those that there are', () => {
  expect(kindNamed('same-mac').mode).toBe('same-mac');
  expect(() => kindNamed('ipv5')).toThrow(/no kind of set "ipv5"; there are ipv4, ipv6, /);
});

test('the script knows them all', () => {
  const script = fileURLToPath(new URL('../../../../../scripts/faults.mjs', import.meta.url));
  const refused = spawnSync(process.execPath, [script, '--kind', 'ipv5'], { encoding: 'utf8' });
  expect(refused.status).toBe(2);
  const names = SET_KINDS.map(({ name }) => name).join(', ');
  expect(refused.stderr).toMatch(`--kind takes one of ${names}\n`);
});
