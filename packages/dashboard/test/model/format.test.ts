// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import {
  formatAgo,
  formatClock,
  formatMs,
  formatOffset,
  formatSpan,
  joinNames,
  sentence,
} from '../../src/model/format.ts';

describe('format', () => {
  test.each([
    [0, '0 ms'],
    [0.42, '0.4 ms'],
    [9.87, '9.9 ms'],
    [14.2, '14 ms'],
    [150, '150 ms'],
    [9_999, '9999 ms'],
    [12_340, '12.3 s'],
  ])('a duration of %d ms reads %s', (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });

  test.each([
    [0, '0'],
    [1.8, '+1.8 ms'],
    [-120, '−120 ms'],
  ])('an offset of %d ms reads %s', (ms, text) => {
    expect(formatOffset(ms)).toBe(text);
  });

  test.each([
    [-50, 'under 1 s'],
    [999, 'under 1 s'],
    [8_400, '8 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [7_200_000, '2 h'],
    [5 * 86_400_000, '5 d'],
  ])('a span of %d ms reads %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });

  test('what is now is not under one second ago', () => {
    expect(formatAgo(300)).toBe('just now');
    expect(formatAgo(3000)).toBe('3 s ago');
  });

  test('a clock has milliseconds and two digits everywhere', () => {
    expect(formatClock(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe('03:04:05.006');
  });

  test('names are joined as in a sentence', () => {
    expect(joinNames([])).toBe('');
    expect(joinNames(['web'])).toBe('web');
    expect(joinNames(['web', 'calc'])).toBe('web and calc');
    expect(joinNames(['web', 'calc', 'dns'])).toBe('web, calc and dns');
  });

  test('a fragment becomes a sentence, and a sentence stays one', () => {
    expect(sentence('lease ran out')).toBe('Lease ran out.');
    expect(sentence('Done.')).toBe('Done.');
    expect(sentence('web#2 holds the lease')).toBe('web#2 holds the lease.');
    expect(sentence('node-a is lost')).toBe('node-a is lost.');
    expect(sentence('  ')).toBe('');
  });
});
