// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { fenceChanges } from '../../src/fence/fence-changes.ts';
import { keyOf, keyText } from '../../src/fence/guarded.ts';
import type { FenceContents } from '../../src/fence/ruleset.ts';
import type { SetChange, SetElement } from '../../src/netlink/nftables.ts';

const WEB = keyText(keyOf({ what: 'address', address: '192.0.2.100' }));
const DNS = keyText(keyOf({ what: 'address', address: '192.0.2.53' }));

const element = (key: number): SetElement => ({ key: Uint8Array.of(key), timeoutMs: 300 });
const contents = (values: [string, number][], elements: [number, SetElement][]): FenceContents => ({
  values: new Map(values),
  elements: new Map(elements),
});
/** `+` or `-` and the set, of the table of one family. */
const told = (changes: readonly SetChange[]): string[] => [
  ...new Set(changes.map(({ change, place }) => `${change === 'add' ? '+' : '-'}${place.set}`)),
];

test('a horizon that something open moves to is there before it moves', () => {
  const former = contents([[WEB, 1]], [[1, element(1)]]);
  const next = contents([[WEB, 2]], [[2, element(2)]]);
  const { ahead, changes, isOpening } = fenceChanges('t', former, next, undefined);
  expect(told(ahead)).toEqual(['+until2']);
  expect(told(changes)).toEqual(['-address4', '-until1', '+address4']);
  expect(isOpening).toBe(true);
});

test('so it is where nobody is sure what the horizon holds', () => {
  const former = contents([[WEB, 1]], [[1, element(1)]]);
  const next = contents([[WEB, 2]], [[2, element(2)]]);
  const listed = ({ set }: SetChange['place']) => (set === 'until2' ? [element(9)] : []);
  const { ahead, changes } = fenceChanges('t', former, next, listed);
  expect(told(ahead)).toEqual(['-until2', '+until2']);
  expect(told(changes)).toEqual(['-address4', '+address4']);
});

test('so it is where the horizon has an element that nothing is held open by any more', () => {
  const former = contents(
    [[WEB, 1]],
    [
      [1, element(1)],
      [2, element(9)],
    ],
  );
  const next = contents([[WEB, 2]], [[2, element(2)]]);
  const { ahead, changes } = fenceChanges('t', former, next, undefined);
  expect(told(ahead)).toEqual(['-until2', '+until2']);
  expect(told(changes)).toEqual(['-address4', '-until1', '+address4']);
});

test.each([
  ['what was closed', contents([[WEB, 0]], []), contents([[WEB, 1]], [[1, element(1)]])],
  [
    'what moves to a horizon that is there',
    contents(
      [
        [WEB, 1],
        [DNS, 2],
      ],
      [
        [1, element(1)],
        [2, element(2)],
      ],
    ),
    contents(
      [
        [WEB, 2],
        [DNS, 2],
      ],
      [[2, element(3)]],
    ),
  ],
  ['a renewal', contents([[WEB, 1]], [[1, element(1)]]), contents([[WEB, 1]], [[1, element(2)]])],
])('%s needs one transaction', (_, former, next) => {
  const { ahead, changes, isOpening } = fenceChanges('t', former, next, undefined);
  expect(ahead).toEqual([]);
  expect(changes.length).toBeGreaterThan(0);
  expect(isOpening).toBe(true);
});

test('what only closes opens nothing', () => {
  const former = contents([[WEB, 1]], [[1, element(1)]]);
  const { ahead, changes, isOpening, horizons } = fenceChanges(
    't',
    former,
    contents([[WEB, 0]], []),
    undefined,
  );
  expect([ahead.length, isOpening, horizons]).toEqual([0, false, 0]);
  expect(told(changes)).toEqual(['-address4', '-until1', '+address4']);
});
