// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { mayRunOut, withoutGone } from '../../src/fence/fence-state.ts';
import type { HorizonElement } from '../../src/fence/horizon-element.ts';
import type { FenceContents } from '../../src/fence/ruleset.ts';

const contents = (...runOut: (number | undefined)[]): FenceContents => ({
  values: new Map(),
  elements: new Map(
    runOut.map((runsOutAtMs, at): [number, HorizonElement] => [
      at + 1,
      { key: Uint8Array.of(at), ...(runsOutAtMs === undefined ? {} : { runsOutAtMs }) },
    ]),
  ),
});
const at = (boottimeMs: number) => ({ wallMs: 0, boottimeMs });

test('an element is looked for once it may have run out, until it surely has', () => {
  const all = contents(1_000, 3_000);
  expect(mayRunOut(all, at(991), 8)).toBe(false);
  expect(mayRunOut(all, at(992), 8)).toBe(true);
  expect(withoutGone(all, at(1_999))).toBe(all);
  const left = withoutGone(all, at(2_000));
  expect([...left.elements.keys()]).toEqual([2]);
  expect(mayRunOut(left, at(2_000), 8)).toBe(false);
});

test('of one that is not known to us nobody knows when', () => {
  const all = contents(undefined);
  expect(mayRunOut(all, at(0), 8)).toBe(true);
  expect(withoutGone(all, at(1e9))).toBe(all);
});
