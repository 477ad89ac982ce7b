// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import { type SessionSelector, sessionSelectors } from '@vnfpool/wire/function-socket';
import type { SessionInformation } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';

test.each<[string, SessionInformation, SessionSelector]>([
  ['an empty value', { type: 'all', subType: 4 }, { type: 'all' }],
  ['a ratio', { type: 'ratio', ratio: 0.3 }, { type: 'ratio', ratio: 0.3 }],
  ['ratio 1', { type: 'ratio', ratio: 1 }, { type: 'all' }],
  ['a count', { type: 'count', count: 1000n }, { type: 'count', count: 1000 }],
  ['more than a number holds', { type: 'count', count: 2n ** 63n }, { type: 'all' }],
  ['a URI', { type: 'sip-uri', uri: 'sip:a@b' }, { type: 'sip-uri', uri: 'sip:a@b' }],
  [
    'an IPv4 address',
    { type: 'contact', contact: Uint8Array.of(192, 0, 2, 7) },
    { type: 'contact', contact: '192.0.2.7' },
  ],
  [
    'an IPv6 address',
    { type: 'contact', contact: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7) },
    { type: 'contact', contact: '2001:db8::7' },
  ],
  ['text', { type: 'contact', contact: encodeUtf8('alice-1') }, { type: 'contact', contact: 'alice-1' }],
])('%s', (_name, session, selector) => {
  expect(sessionSelectors([session])).toEqual([selector]);
});

test('a contact that is neither an address nor text is refused', () => {
  expect(() => sessionSelectors([{ type: 'contact', contact: Uint8Array.of(0xff, 0xfe) }])).toThrow(
    WireError,
  );
});
