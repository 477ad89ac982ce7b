// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeForward,
  encodeForward,
  FORWARD_PAYLOAD_BYTES_MAX,
  type ForwardMessage,
} from '@vnfpool/wire/session-forward';
import { describe, expect, test } from 'vitest';

const header = { transfer: '0123456789abcdef', generation: 2, sequence: 0x1_0000_0003n };
const HEAD = '0123456789abcdef 00000002 0000000100000003';
const at = { session: 7, address: '192.0.2.1', port: 5060 } as const;
const hi = fromHex('6869');

/** Written by hand from the layout. */
const said: readonly (readonly [string, ForwardMessage, string])[] = [
  ['a claim', { type: 'claim' }, `56460101 ${HEAD}`],
  ['a welcome', { type: 'welcome' }, `56460102 ${HEAD}`],
  [
    'what is to be sent',
    { type: 'send', ...at, side: 'client', payload: hi },
    `56460103 ${HEAD} 00000007 00 04 13c4 c0000201 6869`,
  ],
  [
    'what has arrived, over IPv6',
    { type: 'arrived', ...at, side: 'backend', address: '2001:db8::1', payload: hi },
    `56460104 ${HEAD} 00000007 01 06 13c4 20010db8000000000000000000000001 6869`,
  ],
  [
    'an empty packet',
    { type: 'arrived', ...at, side: 'client', payload: fromHex('') },
    `56460104 ${HEAD} 00000007 00 04 13c4 c0000201`,
  ],
  ['one that is gone', { type: 'gone', session: 7 }, `56460105 ${HEAD} 00000007`],
  ['one that has ended', { type: 'ended', session: 7 }, `56460106 ${HEAD} 00000007`],
  ['the end', { type: 'over' }, `56460108 ${HEAD}`],
];

describe.each(said)('%s', (_name, message, text) => {
  const bytes = fromHex(text.replaceAll(' ', ''));
  test('is written', () => expect(toHex(encodeForward({ ...header, message }))).toBe(toHex(bytes)));
  test('is read', () => expect(decodeForward(bytes)).toEqual({ ...header, message }));
});

test.each([
  ['nothing', '', 'short'],
  ['something else', `564c0101 ${HEAD}`, 'unknown'],
  ['another version', `56460201 ${HEAD}`, 'unknown'],
  ['a type that nobody has', `56460107 ${HEAD}`, 'unknown'],
  ['a type beyond all', `564601ff ${HEAD}`, 'unknown'],
  ['a claim with something behind it', `56460101 ${HEAD} 00`, 'trailing'],
  ['no whole session', `56460105 ${HEAD} 000000`, 'short'],
  ['a third side', `56460104 ${HEAD} 00000007 02 04 13c4 c0000201`, 'value'],
  ['another family', `56460104 ${HEAD} 00000007 00 05 13c4 c0000201`, 'value'],
  ['half an address', `56460104 ${HEAD} 00000007 00 06 13c4 c0000201`, 'short'],
])('refused: %s', (_name, text, code) => {
  expect(() => decodeForward(fromHex(text.replaceAll(' ', '')))).toThrow(expect.objectContaining({ code }));
});

test('a payload has its bound, read and written', () => {
  const most = {
    type: 'arrived',
    ...at,
    side: 'client',
    payload: new Uint8Array(FORWARD_PAYLOAD_BYTES_MAX),
  } as const;
  const bytes = encodeForward({ ...header, message: most });
  expect(decodeForward(bytes).message).toEqual(most);
  const more = { ...most, payload: new Uint8Array(FORWARD_PAYLOAD_BYTES_MAX + 1) };
  expect(() => encodeForward({ ...header, message: more })).toThrow(WireError);
  const grown = new Uint8Array(bytes.length + 1);
  grown.set(bytes);
  expect(() => decodeForward(grown)).toThrow(expect.objectContaining({ code: 'limit' }));
});

test('what cannot be said is not written', () => {
  for (const wrong of [
    { transfer: '0123' },
    { transfer: 'x'.repeat(16) },
    { generation: -1 },
    { sequence: -1n },
  ])
    expect(() => encodeForward({ ...header, ...wrong, message: { type: 'claim' } })).toThrow();
  const message = { type: 'send', ...at, side: 'client', payload: hi } as const;
  for (const wrong of [{ address: 'nowhere' }, { port: 65_536 }, { session: -1 }])
    expect(() => encodeForward({ ...header, message: { ...message, ...wrong } })).toThrow(WireError);
});
