// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { parseAgentMessage, parseFunctionMessage } from '@vnfpool/wire/function-socket';
import { parseFunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { functionStateLimits } from '../../../src/node/function-state/index.ts';

/* What authors of functions read is what the agent understands. */

const text = readFileSync(new URL('../../../../../docs/function-socket.md', import.meta.url), 'utf8');
const [, fromFunction = '', fromAgent = ''] =
  /\nFrom the function:\n([^]*?)\nFrom the agent:\n([^]*?)\n###/.exec(text) ?? [];
const linesOf = (table: string): string[] => [...table.matchAll(/`(\{.*?\})`/g)].map(([, line = '']) => line);
const session = /```text\n([^]*?)```/.exec(text)?.[1]?.trim().split('\n') ?? [];

test.each(linesOf(fromFunction))('of a function: %s', (line) => {
  parseFunctionMessage(encodeUtf8(line));
});

test.each(linesOf(fromAgent))('of an agent: %s', (line) => {
  parseAgentMessage(encodeUtf8(line));
});

describe('the session', () => {
  test.each(session)('%s', (line) => {
    const parse = line.startsWith('> ') ? parseAgentMessage : parseFunctionMessage;
    expect(line).toMatch(/^[<>] /);
    parse(encodeUtf8(line.slice(2)));
  });

  test('is there', () => {
    expect(session.length).toBeGreaterThan(10);
    expect(linesOf(fromFunction).length).toBeGreaterThan(4);
    expect(linesOf(fromAgent).length).toBeGreaterThan(7);
  });
});

test('the specification is one', () => {
  const [, json = ''] = /```json\n([^]*?)```/.exec(text) ?? [];
  expect(parseFunctionSpecification(encodeUtf8(json)).state).toEqual({ via: 'hooks', format: 'kv-log/1' });
});

test('the bounds are those of the code', () => {
  const { answerMs, applyMs, bytesMax, stallMs } = functionStateLimits;
  const said = (row: string) => new RegExp(`^\\| ${row}[^|]*\\| ([0-9]+ \\w+)`, 'm').exec(text)?.[1];
  expect(said('`hello`; an answer')).toBe(`${answerMs / 1_000} s`);
  expect(said('a data socket without')).toBe(`${stallMs / 1_000} s`);
  expect(said('from the last octet')).toBe(`${applyMs / 1_000} s`);
  expect(said('a state')).toBe(`${bytesMax / 1024 ** 3} GiB`);
});
