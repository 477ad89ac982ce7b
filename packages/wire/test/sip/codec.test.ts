// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  decodeSipMessage,
  encodeSipMessage,
  headerValue,
  headerValues,
  readSipEssentials,
  SIP_HEADERS_MAX,
  SIP_MESSAGE_BYTES_MAX,
  type SipMessage,
  withHeader,
} from '@vnfpool/wire/sip';
import { describe, expect, test } from 'vitest';

/* Messages of the kinds that RFC 4475 collects, written for these tests. */

const ESSENTIALS = {
  Via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone',
  'Max-Forwards': '70',
  From: '<sip:alice@example.test>;tag=a1',
  To: '<sip:bob@example.test>',
  'Call-ID': 'call@192.0.2.1',
  CSeq: '1 INVITE',
};

/** An INVITE, with header fields in the place of its own; null leaves one out. */
function invite(changes: Record<string, string | null> = {}, tail = '\r\n', line?: string): Uint8Array {
  const fields = Object.entries({ ...ESSENTIALS, ...changes }).filter(([, value]) => value !== null);
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return encodeUtf8(`${line ?? 'INVITE sip:bob@example.test SIP/2.0'}\r\n${lines}${tail}`);
}

/** Its code if it is refused, else `taken`. */
function outcome(bytes: Uint8Array): string {
  try {
    readSipEssentials(decodeSipMessage(bytes));
    return 'taken';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

describe('taken, although it looks odd', () => {
  test('folded lines, short names, any case, white space before the colon and around separators', () => {
    const message = decodeSipMessage(
      encodeUtf8(
        'INVITE sip:bob@example.test;x=%31 SIP/2.0\r\n' +
          'v  :  SIP  / 2.0\r\n  /UDP\r\n    192.0.2.2 : 5070 ;branch=z9hG4bKtwo , SIP/2.0/UDP h.example.test;hidden\r\n' +
          'fRoM: "Quote \\" < , ; >" <sip:alice@example.test>\r\n\t;tag = 7\r\n' +
          't: sip:bob@example.test ;  weird="a;b"\r\n' +
          'cseq:\t 0009\t INVITE\r\n' +
          'I: strange!~*%\r\n' +
          'mAx-forWards: 0068\r\n' +
          'NewFangled:   value\r\n\t  goes on\r\n' +
          'L: 4\r\n\r\nbody and more than was said',
      ),
    );
    const { vias, from, to, cseq, callId, maxForwards } = readSipEssentials(message);
    expect(vias.map(({ host, port }) => [host, port])).toEqual([
      ['192.0.2.2', 5070],
      ['h.example.test', null],
    ]);
    expect([from.display, from.uri, from.parameters.get('tag')]).toEqual([
      '"Quote \\" < , ; >"',
      'sip:alice@example.test',
      '7',
    ]);
    expect([to.uri, to.parameters.get('weird')]).toEqual(['sip:bob@example.test', '"a;b"']);
    expect([cseq, callId, maxForwards]).toEqual([{ number: 9, method: 'INVITE' }, 'strange!~*%', 68]);
    expect(headerValue(message, 'Newfangled')).toBe('value goes on');
    expect(decodeUtf8(message.body)).toBe('body');
  });

  test.each<[string, Uint8Array]>([
    ['empty lines before it', new Uint8Array([13, 10, 13, 10, ...invite()])],
    [
      'a method nobody knows',
      invite({ CSeq: "1 !%Z0_*+`'~" }, '\r\n', "!%Z0_*+`'~ sip:bob@example.test SIP/2.0"),
    ],
    ['a URI of another scheme', invite({}, '\r\n', 'INVITE nobody:knows SIP/2.0')],
    ['two equal Content-Lengths', invite({ 'Content-Length': '0', l: '0' })],
    ['no Max-Forwards, as in RFC 2543', invite({ 'Max-Forwards': null })],
    ['text in UTF-8', invite({ Subject: 'grüße ☃' })],
    [
      'an IPv6 address',
      invite({ Via: 'SIP/2.0/UDP [2001:db8::9]:5060;received=2001:db8::1;branch=z9hG4bK1' }),
    ],
    ['an empty header', invite({ Supported: '' })],
  ])('%s', (_, bytes) => expect(outcome(bytes)).toBe('taken'));

  test('a response without a reason', () => {
    const message = decodeSipMessage(encodeUtf8('SIP/2.0 100 \r\n\r\n'));
    expect(message).toMatchObject({ type: 'response', status: 100, reason: '' });
  });
});

test.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(), 'short'],
  ['a keep-alive', encodeUtf8('\r\n\r\n'), 'short'],
  ['no end of the header', invite({}, ''), 'short'],
  ['line feeds alone', encodeUtf8(decodeUtf8(invite()).replaceAll('\r\n', '\n')), 'short'],
  ['a line feed within a line', invite({ Subject: 'a\nVia: b' }), 'value'],
  ['a zero octet', invite({ Subject: 'a\u0000b' }), 'value'],
  ['octets that are no UTF-8', new Uint8Array([...invite({}, ''), 0x58, 0x3a, 0xff, 13, 10, 13, 10]), 'utf8'],
  ['another version', invite({}, '\r\n', 'INVITE sip:bob@example.test SIP/7.0'), 'unknown'],
  [
    'a request line with too many spaces',
    invite({}, '\r\n', 'INVITE  sip:bob@example.test  SIP/2.0'),
    'value',
  ],
  ['white space in the URI', invite({}, '\r\n', 'INVITE sip:bob@example.test; lr SIP/2.0'), 'value'],
  ['white space at the end of the line', invite({}, '\r\n', 'INVITE sip:bob@example.test SIP/2.0 '), 'value'],
  ['a folded start line', encodeUtf8(`INVITE sip:b@x.test\r\n SIP/2.0\r\n\r\n`), 'value'],
  ['a status of 700', encodeUtf8('SIP/2.0 700 no\r\n\r\n'), 'value'],
  ['a status of two digits', encodeUtf8('SIP/2.0 20 no\r\n\r\n'), 'value'],
  ['a header without a colon', invite({}, 'Subject\r\n\r\n'), 'value'],
  ['a header without a name', invite({}, ': x\r\n\r\n'), 'value'],
  ['a negative Content-Length', invite({ 'Content-Length': '-999' }), 'value'],
  ['a Content-Length beyond the datagram', invite({ 'Content-Length': '9999' }), 'short'],
  ['two Content-Lengths', invite({ 'Content-Length': '0', l: '1' }), 'duplicate'],
  ['no Call-ID', invite({ 'Call-ID': null }), 'missing'],
  ['no From', invite({ From: null }), 'missing'],
  ['no To', invite({ To: null }), 'missing'],
  ['no CSeq', invite({ CSeq: null }), 'missing'],
  ['no Via', invite({ Via: null }), 'missing'],
  ['an empty Via', invite({ Via: '' }), 'missing'],
  ['two of what stands once', invite({ i: 'another' }), 'duplicate'],
  ['CSeq of another method', invite({ CSeq: '1 OPTIONS' }), 'value'],
  ['CSeq beyond its space', invite({ CSeq: '2147483648 INVITE' }), 'value'],
  ['CSeq beyond all', invite({ CSeq: '36893488147419103232 INVITE' }), 'value'],
  ['Max-Forwards of 300', invite({ 'Max-Forwards': '300' }), 'value'],
  ['Max-Forwards that is no number', invite({ 'Max-Forwards': 'ten' }), 'value'],
  ['a quote without its end', invite({ To: '"Bob <sip:bob@example.test>' }), 'value'],
  ['a bracket without its end', invite({ To: 'Bob <sip:bob@example.test' }), 'value'],
  ['a name that needs quotes', invite({ From: 'Alice, Inc. <sip:alice@example.test>' }), 'value'],
  ['a URI that needs brackets', invite({ To: 'sip:bob@example.test?Route=x' }), 'value'],
  ['two tags', invite({ From: '<sip:alice@example.test>;tag=1;tag=2' }), 'duplicate'],
  ['an empty Via in the middle', invite({ Via: `${ESSENTIALS.Via},,${ESSENTIALS.Via}` }), 'value'],
  ['Via of another version', invite({ Via: 'SIP/7.0/UDP 192.0.2.1;branch=z9hG4bK1' }), 'unknown'],
  ['Via without a host', invite({ Via: 'SIP/2.0/UDP :5060;branch=z9hG4bK1' }), 'value'],
  ['Via with a port beyond all', invite({ Via: 'SIP/2.0/UDP 192.0.2.1:70000' }), 'value'],
  ['a Via of many', invite({ Via: Array.from({ length: 129 }, () => 'SIP/2.0/UDP h').join() }), 'limit'],
  ['many parameters', invite({ To: `<sip:b@x.test>${';a'.repeat(65)}` }), 'limit'],
  ['many headers', invite({}, `${'X: y\r\n'.repeat(SIP_HEADERS_MAX)}\r\n`), 'limit'],
  ['a long header', invite({ Subject: 'x'.repeat(32_768) }), 'limit'],
  ['a long message', new Uint8Array(SIP_MESSAGE_BYTES_MAX + 1), 'limit'],
])('refused: %s', (_, bytes, code) => expect(outcome(bytes)).toBe(code));

test('writing refuses what would be read as something else', () => {
  const good = decodeSipMessage(invite({}, '\r\nbody'));
  const written = (change: object) => () => encodeSipMessage({ ...good, ...change } as SipMessage);
  const header = (name: string, value: string) => ({ headers: [{ name, value }] });
  expect(written({})).not.toThrow();
  for (const change of [
    header('Subject', 'a\r\nVia: b'),
    header('Subject', ' a'),
    header('via', 'x'),
    header('Content-Length', '1'),
    header('a b', 'x'),
    { method: 'A B' },
    { uri: 'sip:b SIP/2.0\r\n' },
    { type: 'response', status: 99, reason: '' },
    { type: 'response', status: 200, reason: 'OK\r\n' },
    header('Subject', 'x'.repeat(40_000)),
    { body: new Uint8Array(SIP_MESSAGE_BYTES_MAX) },
  ])
    expect(written(change), JSON.stringify(change).slice(0, 80)).toThrow(WireError);
});

test('values of a header are replaced in their place, and taken away', () => {
  const message = decodeSipMessage(
    invite({ Via: 'SIP/2.0/UDP a, SIP/2.0/UDP "b,c"', Route: '<sip:r;lr>,<sip:s,t>' }),
  );
  expect(headerValues(message, 'Route')).toEqual(['<sip:r;lr>', '<sip:s,t>']);
  const less = withHeader(withHeader(message, 'Route', []), 'To', ['x', 'y']);
  expect(less.headers.map(({ name }) => name)).toEqual([
    'Via',
    'Max-Forwards',
    'From',
    'To',
    'To',
    'Call-ID',
    'CSeq',
  ]);
  expect(withHeader(message, 'Record-Route', ['z']).headers[0]).toEqual({ name: 'Record-Route', value: 'z' });
});
