// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  type AgentMessage,
  boundReason,
  encodeAgentMessage,
  encodeFunctionMessage,
  FUNCTION_LINE_BYTES_MAX,
  type FunctionMessage,
  parseAgentMessage,
  parseFunctionMessage,
} from '@vnfpool/wire/function-socket';
import { describe, expect, test } from 'vitest';

/** Lines as docs/function-socket.md has them. */
const OF_AGENT: readonly (readonly [string, AgentMessage])[] = [
  [
    '{"op":"welcome","v":1,"name":"kv#1","role":"standby","epoch":"8"}',
    { op: 'welcome', v: 1, name: 'kv#1', role: 'standby', epoch: '8' },
  ],
  [
    '{"op":"welcome","v":1,"name":"kv#1","role":null,"epoch":null}',
    { op: 'welcome', v: 1, name: 'kv#1', role: null, epoch: null },
  ],
  ['{"op":"refused","reason":"no"}', { op: 'refused', reason: 'no' }],
  ['{"id":1,"op":"role","role":"active","epoch":"9"}', { id: 1, op: 'role', role: 'active', epoch: '9' }],
  [
    '{"id":2,"op":"export","kind":"snapshot","data":"/run/x/2"}',
    { id: 2, op: 'export', kind: 'snapshot', data: '/run/x/2' },
  ],
  [
    '{"id":3,"op":"import","kind":"last","data":"/run/x/3"}',
    { id: 3, op: 'import', kind: 'last', data: '/run/x/3' },
  ],
  ['{"id":4,"op":"quiesce"}', { id: 4, op: 'quiesce' }],
  ['{"id":5,"op":"resume"}', { id: 5, op: 'resume' }],
  ['{"id":6,"op":"discard"}', { id: 6, op: 'discard' }],
  [
    '{"id":7,"op":"select","sessions":[{"type":"ratio","ratio":0.3},{"type":"sip-uri","uri":"sip:alice@example.com"}]}',
    {
      id: 7,
      op: 'select',
      sessions: [
        { type: 'ratio', ratio: 0.3 },
        { type: 'sip-uri', uri: 'sip:alice@example.com' },
      ],
    },
  ],
  [
    '{"id":8,"op":"select","sessions":[{"type":"all"},{"type":"count","count":7},{"type":"contact","contact":"::1"}]}',
    {
      id: 8,
      op: 'select',
      sessions: [{ type: 'all' }, { type: 'count', count: 7 }, { type: 'contact', contact: '::1' }],
    },
  ],
  [
    '{"id":9,"op":"export","kind":"last","data":"/run/x/9","scope":"sessions"}',
    { id: 9, op: 'export', kind: 'last', data: '/run/x/9', scope: 'sessions' },
  ],
  ['{"id":10,"op":"quiesce","scope":"sessions"}', { id: 10, op: 'quiesce', scope: 'sessions' }],
  [
    '{"id":11,"op":"moved","forward":{"address":"192.0.2.11","port":40100}}',
    { id: 11, op: 'moved', forward: { address: '192.0.2.11', port: 40_100 } },
  ],
  ['{"id":12,"op":"moved","forward":null}', { id: 12, op: 'moved', forward: null }],
  ['{"id":13,"op":"expect"}', { id: 13, op: 'expect' }],
  ['{"id":14,"op":"accept"}', { id: 14, op: 'accept' }],
  [
    '{"id":15,"op":"share","data":"/run/x/15","epoch":"4294967297","own":true}',
    { id: 15, op: 'share', data: '/run/x/15', epoch: '4294967297', own: true },
  ],
  ['{"op":"cancel","id":3}', { op: 'cancel', id: 3 }],
];
const OF_FUNCTION: readonly (readonly [string, FunctionMessage])[] = [
  ['{"op":"hello","v":1,"format":"kv/1"}', { op: 'hello', v: 1, format: 'kv/1' }],
  ['{"op":"hello","v":2}', { op: 'hello', v: 2 }],
  ['{"op":"hello","v":1,"sessions":true}', { op: 'hello', v: 1, sessions: true }],
  ['{"op":"hello","v":1,"shares":true}', { op: 'hello', v: 1, shares: true }],
  ['{"op":"sessions","count":1200}', { op: 'sessions', count: 1200 }],
  ['{"id":7,"ok":true}', { id: 7, ok: true }],
  ['{"id":7,"ok":true,"count":300}', { id: 7, ok: true, count: 300 }],
  [
    '{"id":7,"ok":true,"forward":{"address":"2001:db8::1","port":1}}',
    { id: 7, ok: true, forward: { address: '2001:db8::1', port: 1 } },
  ],
  ['{"id":7,"ok":false,"error":"disk full"}', { id: 7, ok: false, error: 'disk full' }],
  ['{"op":"changes","bytesPerSecond":12.5}', { op: 'changes', bytesPerSecond: 12.5 }],
  ['{"op":"health","ok":true}', { op: 'health', ok: true }],
  ['{"op":"health","ok":false,"reason":"no peers"}', { op: 'health', ok: false, reason: 'no peers' }],
];

describe.each(OF_AGENT)('%s', (line, message) => {
  test('is read and written', () => {
    expect(parseAgentMessage(encodeUtf8(line))).toEqual(message);
    expect(decodeUtf8(encodeAgentMessage(message))).toBe(`${line}\n`);
  });
});

describe.each(OF_FUNCTION)('%s', (line, message) => {
  test('is read and written', () => {
    expect(parseFunctionMessage(encodeUtf8(line))).toEqual(message);
    expect(decodeUtf8(encodeFunctionMessage(message))).toBe(`${line}\n`);
  });
});

test.each([
  ['nothing', ''],
  ['no JSON', '{"op":'],
  ['no object', '[1]'],
  ['a key twice', '{"op":"hello","v":1,"v":2}'],
  ['an op that is not known', '{"op":"shout"}'],
  ['an op of every object', '{"op":"constructor"}'],
  ['an op that is no text', '{"op":1}'],
  ['an answer to nothing', '{"ok":true}'],
  ['an answer to request 0', '{"id":0,"ok":true}'],
  ['a no without a reason', '{"id":1,"ok":false}'],
  ['a reason that is too long', JSON.stringify({ id: 1, ok: false, error: 'x'.repeat(1_025) })],
  ['a rate below 0', '{"op":"changes","bytesPerSecond":-1}'],
  ['a rate without end', '{"op":"changes","bytesPerSecond":1e999}'],
  ['a count below 0', '{"op":"sessions","count":-1}'],
  ['a part of a session', '{"id":1,"ok":true,"count":0.5}'],
  ['packets to a name', '{"id":1,"ok":true,"forward":{"address":"localhost","port":1}}'],
  ['packets to port 0', '{"id":1,"ok":true,"forward":{"address":"::1","port":0}}'],
  ['sharing that is no yes or no', '{"op":"hello","v":1,"shares":"yes"}'],
  ['a format of several words', '{"op":"hello","v":1,"format":"a b"}'],
])('of a function is refused: %s', (_name, line) => {
  expect(() => parseFunctionMessage(encodeUtf8(line))).toThrow(WireError);
});

test.each([
  ['another version', '{"op":"welcome","v":2,"name":"x","role":null,"epoch":null}'],
  ['a role that is none', '{"id":1,"op":"role","role":"boss","epoch":"1"}'],
  ['an epoch as a number', '{"id":1,"op":"role","role":"spare","epoch":1}'],
  ['a kind that is none', '{"id":1,"op":"export","kind":"half","data":"/x"}'],
  ['no op', '{"id":1,"ok":true}'],
  ['another scope', '{"id":1,"op":"quiesce","scope":"all"}'],
  ['a selection of nothing', '{"id":1,"op":"select","sessions":[]}'],
  ['a selector of another kind', '{"id":1,"op":"select","sessions":[{"type":"colour"}]}'],
  ['a ratio above 1', '{"id":1,"op":"select","sessions":[{"type":"ratio","ratio":1.1}]}'],
  [
    'too many selectors',
    JSON.stringify({ id: 1, op: 'select', sessions: Array.from({ length: 257 }, () => ({ type: 'all' })) }),
  ],
  ['a share without its socket', '{"id":1,"op":"share","epoch":"1","own":false}'],
  ['a share whose epoch is a number', '{"id":1,"op":"share","data":"/x","epoch":1,"own":false}'],
  ['a share of nobody', '{"id":1,"op":"share","data":"/x","epoch":"1"}'],
  ['moved, and not a word where', '{"id":1,"op":"moved"}'],
])('of an agent is refused: %s', (_name, line) => {
  expect(() => parseAgentMessage(encodeUtf8(line))).toThrow(WireError);
});

test('unknown keys are ignored, octets that are no text are refused', () => {
  expect(parseFunctionMessage(encodeUtf8('{"id":1,"ok":true,"took":3}'))).toEqual({ id: 1, ok: true });
  expect(() => parseFunctionMessage(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(WireError);
});

test('a line that would be too long is not written; a reason is cut', () => {
  const data = `/${'x'.repeat(FUNCTION_LINE_BYTES_MAX)}`;
  expect(() => encodeAgentMessage({ id: 1, op: 'export', kind: 'delta', data })).toThrow(WireError);
  const error = boundReason('x'.repeat(5_000));
  expect(parseFunctionMessage(encodeUtf8(JSON.stringify({ id: 1, ok: false, error })))).toMatchObject({
    ok: false,
  });
});
