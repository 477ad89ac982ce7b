// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { EventStreamParser, messageCharactersMax } from '../../src/api/event-stream.ts';

const text = ': hello\nevent: state\ndata: {"a":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\n';
const expected = [
  { event: 'state', data: '{"a":1}' },
  { event: 'message', data: 'one\ntwo' },
];

describe('the event stream', () => {
  test('gives whole messages, and leaves out comments and events without data', () => {
    expect(new EventStreamParser().push(text)).toEqual(expected);
  });

  test.each([1, 2, 3, 7, 11])('cut into pieces of %d characters gives the same messages', (size) => {
    const parser = new EventStreamParser();
    const messages = [];
    for (let start = 0; start < text.length; start += size) {
      messages.push(...parser.push(text.slice(start, start + size)));
    }
    expect(messages).toEqual(expected);
  });

  test('refuses a message without end, in one line or in many', () => {
    const piece = 'x'.repeat(messageCharactersMax / 4);
    const oneLine = new EventStreamParser();
    oneLine.push(`data: ${piece}`);
    expect(() => {
      for (let count = 0; count < 5; count += 1) oneLine.push(piece);
    }).toThrow(RangeError);
    const manyLines = new EventStreamParser();
    expect(() => {
      for (let count = 0; count < 5; count += 1) manyLines.push(`data: ${piece}\n`);
    }).toThrow(RangeError);
  });
});
