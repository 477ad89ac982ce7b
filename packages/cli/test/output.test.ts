// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { EventStreamReader } from '../src/api/event-stream.ts';
import { parseDuration, showAge, showDuration } from '../src/output/duration.ts';
import { painter } from '../src/output/paint.ts';
import { plain } from '../src/output/plain.ts';
import { renderTable } from '../src/output/table.ts';

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['1.5s', 1_500],
  ['90m', 5_400_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  ['10', undefined],
  ['-1s', undefined],
  ['1 h', undefined],
  ['h', undefined],
  ['', undefined],
])('parseDuration(%j) is %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each([
  [0, '0 ms'],
  [0.84, '0.8 ms'],
  [126.4, '126 ms'],
  [1_500, '1.5 s'],
  [180_000, '3 min'],
])('showDuration(%d) is %s', (ms, text) => expect(showDuration(ms)).toBe(text));

test.each([
  [-5, '0s'],
  [4_999, '4s'],
  [100_000, '1m'],
  [7_200_000, '2h'],
  [5 * 86_400_000, '5d'],
])('showAge of %d ms is %s', (ms, text) => expect(showAge(1e12, 1e12 + ms)).toBe(text));

test.each([
  ['plain', 'plain'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['bell\u0007 and \u009b', 'bell and '],
  ['\u001b]0;title\u0007', ']0;title'],
  ['two\nlines', 'two\nlines'],
  ['back\rhome', 'backhome'],
])('plain(%j)', (text, kept) => expect(plain(text)).toBe(kept));

test('a cell never breaks its line', () => expect(plain('a\n\tb', 'one line')).toBe('a b'));

describe('tables', () => {
  const columns = [
    { title: 'NAME', cell: (it: { name: string; n: number }) => it.name },
    { title: 'N', cell: (it: { n: number }) => String(it.n), align: 'right' as const },
    { title: 'NOTE', cell: () => '', tone: () => 'bad' as const },
  ];

  test('are aligned; colours do not count as width', () => {
    const items = [
      { name: 'a', n: 1 },
      { name: 'long-name', n: 100 },
    ];
    const text = renderTable(columns, items, { now: 0, paint: painter(false) });
    expect(text).toBe('NAME         N  NOTE\na            1  -\nlong-name  100  -\n');
    const coloured = renderTable(columns, items, { now: 0, paint: painter(true) });
    // oxlint-disable-next-line no-control-regex -- to take the colours out again
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(text);
  });
});

describe('event stream', () => {
  const text =
    ': hello\n\nevent: state\ndata: {"a":1}\n\nevent: event\r\nid: 7\r\ndata: x\r\ndata: y\r\n\r\ndata: bare\n\n';
  const expected = [
    { event: 'state', id: undefined, data: '{"a":1}' },
    { event: 'event', id: '7', data: 'x\ny' },
    { event: 'message', id: '7', data: 'bare' },
  ];

  test.each([1, 2, 3, 7, 1_000])('in pieces of %i', (size) => {
    const reader = new EventStreamReader();
    const messages = [];
    for (let at = 0; at < text.length; at += size) messages.push(...reader.push(text.slice(at, at + size)));
    expect(messages).toEqual(expected);
  });

  test('a message without end is refused', () => {
    const reader = new EventStreamReader();
    const piece = `data: ${'x'.repeat(1024 * 1024)}\n`;
    expect(() => {
      for (let i = 0; i < 40; i++) reader.push(piece);
    }).toThrow(RangeError);
  });
});
