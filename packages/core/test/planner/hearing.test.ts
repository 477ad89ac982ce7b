// SPDX-License-Identifier: Apache-2.0
import { councilHearing, cutWords, type Listener } from '@vnfpool/core/planner';
import { expect, test } from 'vitest';

const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** `b: 'ac'`: b hears nothing of a and c. Only `witnesses` run no functions. */
function nodes(names: string, silent: Readonly<Record<string, string>>, witnesses = ''): Listener[] {
  return names.split('').map((name) => ({
    id: NAMES.indexOf(name) + 1,
    name,
    runsFunctions: !witnesses.includes(name),
    silent: (silent[name] ?? '').split('').map((other) => NAMES.indexOf(other) + 1),
  }));
}

test.each<[string, string, Listener[], string, string]>([
  ['all hear each other', 'abc', nodes('abc', {}), 'abc', ''],
  [
    'nobody hears anybody',
    'abc',
    nodes('abc', { a: 'bc', b: 'ac', c: 'ab' }),
    'a',
    'a hears nothing of b, c; b hears nothing of a, c; c hears nothing of a, b',
  ],
  [
    'one is cut off: the others are enough',
    'abc',
    nodes('abc', { a: 'bc', b: 'a', c: 'a' }),
    'bc',
    'a hears nothing of b, c; b hears nothing of a; c hears nothing of a',
  ],
  [
    'cut in one direction, told by one of them: a third hears both',
    'abc',
    nodes('abc', { b: 'a' }),
    'abc',
    'b hears nothing of a',
  ],
  [
    'two that do not hear each other, and a third that hears both: it can be granted all the same',
    'abc',
    nodes('abc', { a: 'c', c: 'a' }),
    'abc',
    'a hears nothing of c; c hears nothing of a',
  ],
  [
    'cut in one direction each, so that nobody hears and is heard by two',
    'abc',
    nodes('abc', { b: 'a', c: 'b', a: 'c' }),
    'a',
    'a hears nothing of c; b hears nothing of a; c hears nothing of b',
  ],
  [
    'only a witness hears most: nobody who could hold a slot does',
    'abcde',
    nodes('abcde', { a: 'bcd', b: 'acd', c: 'abd', d: 'abc' }, 'e'),
    'ae',
    'a hears nothing of b, c, d; b hears nothing of a, c, d; c hears nothing of a, b, d; d hears nothing of a, b, c',
  ],
  [
    'a node outside the council hears them, though they do not hear each other',
    'abc',
    nodes('abcd', { a: 'bc', b: 'ac', c: 'ab' }),
    'abc',
    'a hears nothing of b, c; b hears nothing of a, c; c hears nothing of a, b',
  ],
  ['who is gone is no cut', 'ab', nodes('ab', { a: 'c', b: 'c' }), 'ab', ''],
])('%s', (_, members, listeners, together, words) => {
  const hearing = councilHearing(members.split(''), listeners);
  expect(hearing.together.join('')).toBe(together);
  expect(cutWords(hearing)).toBe(words);
});
