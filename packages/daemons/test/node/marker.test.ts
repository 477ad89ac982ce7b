// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { consumeMarker, discardMarker, type HandedOn, writeMarker } from '../../src/node/marker.ts';

const from = { pid: 100, startTicks: 5 };
const to = { pid: 200, startTicks: 9 };
const handedOn: HandedOn = {
  silentAtMs: 4321.5,
  incarnation: 12345678901234567890n,
  slots: {
    leases: {
      councils: [
        {
          councilId: 1,
          serial: 7,
          fetchSerial: 1,
          muteUntilMs: 5.5,
          registers: [{ slot: '00000000000000aa', leaseUntilMs: 1234.25 }],
          slots: [],
          clocks: { peers: [], standings: [] },
        },
      ],
    },
    holdings: [],
    guarded: [{ slot: '00000000000000aa', addresses: ['192.0.2.100'], links: [], on: ['eth0'] }],
  },
  link: {
    port: 49880,
    sequences: [[2, 18446744073709551615n]],
    windows: [[2, { incarnation: 3n, highest: 9n, seen: 1n }]],
  },
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/marker-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const file = (): string => `${folder}/handed-on.json`;

test('what was handed on is taken once, as it was', () => {
  writeMarker(folder, from, to, handedOn);
  expect(consumeMarker(folder, from, to)).toEqual(handedOn);
  expect(consumeMarker(folder, from, to)).toBe('it has handed nothing on');
});

test.each([
  ['for another process', from, { ...to, pid: 201 }],
  ['for one that had the same number before', from, { ...to, startTicks: 8 }],
  ['from another process than the one that was asked', { ...from, startTicks: 6 }, to],
  ['from nobody that was asked', null, to],
])('what is %s is nobody\u2019s afterwards', (_, asked, self) => {
  writeMarker(folder, from, to, handedOn);
  expect(consumeMarker(folder, asked, self)).toBe('what was handed on is not for this process');
  expect(existsSync(file())).toBe(false);
});

test.each([
  [
    'another start of the machine',
    (text: string) => text.replace(/"machine":"[^"]*"/, '"machine":"x/1"'),
    'another start',
  ],
  [
    'another time namespace',
    (text: string) => text.replace(/"timeNamespace":"[^"]*"/, '"timeNamespace":"time:[1]"'),
    'another start',
  ],
  ['a form of another version', (text: string) => text.replace('"v":1', '"v":2'), 'another form'],
  ['half a file', (text: string) => text.slice(0, 40), 'cannot be read'],
])('of %s nothing is taken', (_, change, why) => {
  writeMarker(folder, from, to, handedOn);
  writeFileSync(file(), change(readFileSync(file(), 'utf8')));
  expect(consumeMarker(folder, from, to)).toContain(why);
  expect(existsSync(file())).toBe(false);
});

test('a start that is a restart leaves it to nobody', () => {
  writeMarker(folder, from, to, handedOn);
  discardMarker(folder);
  expect(existsSync(file())).toBe(false);
  discardMarker(folder);
});
