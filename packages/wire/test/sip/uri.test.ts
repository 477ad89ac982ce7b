// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { addressOfRecord, formatSipUri, parseNameAddress, parseSipUri } from '@vnfpool/wire/sip';
import { expect, test } from 'vitest';

test('a URI in its parts', () => {
  const text = 'sips:alice;day=tuesday:pass@Example.Test:5071;transport=TCP;lr?subject=a&to=b';
  const uri = parseSipUri(text);
  expect(uri).toMatchObject({
    scheme: 'sips',
    user: 'alice;day=tuesday:pass',
    host: 'example.test',
    port: 5071,
    headers: 'subject=a&to=b',
  });
  expect([...uri.parameters]).toEqual([
    ['transport', 'TCP'],
    ['lr', null],
  ]);
  expect(formatSipUri(uri)).toBe(text.replace('Example.Test', 'example.test'));
});

test.each([
  'sip:',
  'sip:@host',
  'sip:a@b@c',
  'sip:a b@host',
  'sip:a%4@host',
  'sip:host:0',
  'sip:host:65536',
  'sip:host:',
  'sip:[2001:db8::1',
  'sip:[2001:db8::1]x',
  'sip:-host',
  'sip:host;',
  'sip:host;lr;LR',
  'sip:host?',
  'tel:+491234',
  'sip host',
  '',
])('refused: %s', (text) => expect(() => parseSipUri(text)).toThrow(WireError));

test.each([
  ['sip:Bob:secret@Example.Test:5060;x=1', 'sip:Bob@example.test'],
  ['sip:%62ob@example.test', 'sip:bob@example.test'],
  ['sip:b%3ab@example.test', 'sip:b%3Ab@example.test'],
  ['sips:[2001:DB8::1]', 'sips:[2001:db8::1]'],
])('the address of record of %s', (text, aor) => expect(addressOfRecord(parseSipUri(text))).toBe(aor));

test('without angle brackets parameters belong to the header', () => {
  expect(parseNameAddress('sip:bob@host;tag=1')).toEqual({
    display: null,
    uri: 'sip:bob@host',
    parameters: new Map([['tag', '1']]),
  });
  expect(parseNameAddress('Bob B <sip:bob@host;lr>;tag=1')).toMatchObject({
    display: 'Bob B',
    uri: 'sip:bob@host;lr',
  });
});
