// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { encodeUtf8, fromHex } from '@vnfpool/wire/bytes';
import { parseAgentMessage, parseFunctionMessage } from '@vnfpool/wire/function-socket';
import { parseFunctionSpecification } from '@vnfpool/wire/mobility';
import { decodeReplica } from '@vnfpool/wire/replication';
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

test('the octets of shared state are messages', () => {
  const [, example = ''] = /\n## Shared state\n[^]*?```text\n([^]*?)```/.exec(text) ?? [];
  const messages = example.split('\n').map((line) => {
    const hex = /^[<>] ((?:(?:[0-9a-f]{2})+ +)+)/.exec(line)?.[1] ?? '';
    return hex === '' ? null : decodeReplica(fromHex(hex.replaceAll(' ', '')));
  });
  const a = { sequence: 1, key: 'a', value: encodeUtf8('1') };
  const mark = { sequence: 2, keys: 2, digest: 0n, clockUs: 0 };
  const ack = { type: 'ack', sequence: 2, bytes: 0, clockUs: 0 };
  expect(messages.filter((message) => message !== null)).toEqual([
    { type: 'updates', updates: [a, { sequence: 2, key: 'b', value: new Uint8Array() }], mark: null },
    { type: 'updates', updates: [], mark },
    ack,
    {
      type: 'updates',
      updates: [
        { sequence: 1, key: 'c', value: encodeUtf8('x') },
        { sequence: 2, key: 'a', value: null },
      ],
      mark: null,
    },
    ack,
    { type: 'end', sequence: 2 },
  ]);
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
