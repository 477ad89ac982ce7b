// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { addFrame, type Run, strayRun } from './frame-order.ts';

function runsOf(...speakers: readonly string[]): Run[] {
  const runs: Run[] = [];
  for (const [at, speaker] of speakers.entries()) addFrame(runs, speaker, String(at));
  return runs;
}

test('frames of one sender in a row are one run', () => {
  expect(runsOf('a', 'a', 'b', 'a')).toEqual([
    { speaker: 'a', frames: 2, firstAt: '0', lastAt: '1' },
    { speaker: 'b', frames: 1, firstAt: '2', lastAt: '2' },
    { speaker: 'a', frames: 1, firstAt: '3', lastAt: '3' },
  ]);
});

test.each([
  ['the holder alone', ['a'], ['a']],
  ['a takeover', ['a', 'b'], ['a', 'b']],
  ['a holder that nobody asked anything', ['a', 'c'], ['a', 'b', 'c']],
  ['one that came back', ['a', 'b', 'a'], ['a', 'b', 'a']],
  ['one that took it twice in a row', ['a', 'b'], ['a', 'a', 'b', 'b']],
])('in order: %s', (_, speakers, holders) => {
  expect(strayRun(runsOf(...speakers), holders)).toBeUndefined();
});

test.each([
  ['the former holder after its successor', ['a', 'b', 'a'], ['a', 'b'], 2],
  ['two at once', ['a', 'b', 'a', 'b'], ['a', 'b'], 2],
  ['somebody who never held it', ['a', 'x'], ['a', 'b'], 1],
  ['the successor before its time is not seen, but the former after it is', ['b', 'a'], ['a', 'b'], 1],
])('astray: %s', (_, speakers, holders, at) => {
  const runs = runsOf(...speakers);
  expect(strayRun(runs, holders)).toBe(runs[at]);
});
