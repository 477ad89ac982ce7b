// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { addAddressRequest } from '../../src/netlink/address.ts';
import { parseIpv4Prefix } from '../../src/netlink/index.ts';
import { bridgeRequest } from '../../src/netlink/link.ts';
import {
  attribute,
  join,
  message,
  nested,
  parseAttributeList,
  parseMessages,
  readText,
  text,
} from '../../src/netlink/message.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (value: string): Uint8Array => Buffer.from(value.replaceAll(/\s/g, ''), 'hex');

describe('netlink messages, laid out by hand from linux/netlink.h', () => {
  test('an attribute is padded, its length is not', () => {
    expect(hex(text(3, 'br0'))).toBe(hex(bytes('0800 0300 62723000')));
    expect(hex(attribute(1, Uint8Array.of(1, 2, 3, 4, 5)))).toBe(hex(bytes('0900 0100 0102030405 000000')));
    expect(hex(nested(18, text(1, 'x')))).toBe(hex(bytes('0c00 1280 0600 0100 7800 0000')));
  });

  test('a bridge', () => {
    const got = message(16, 0x605, 7, bridgeRequest('br0'));
    expect(hex(got)).toBe(
      hex(
        bytes(`
      38000000 1000 0506 07000000 00000000
      00 00 0000 00000000 00000000 00000000
      0800 0300 62723000
      1000 1280 0b00 0100 62726964676500 00`),
      ),
    );
  });

  test('a /32 that is deprecated as source', () => {
    const got = join(addAddressRequest(5, { address: '10.0.0.9', prefix: 32 }, true));
    expect(hex(got)).toBe(
      hex(
        bytes(`
      02 20 00 00 05000000
      0800 0200 0a000009
      0800 0100 0a000009
      0800 0800 02000000
      1400 0600 00000000 ffffffff 00000000 00000000`),
      ),
    );
  });

  test('parsing gives back what was built', () => {
    const two = join([message(16, 1, 8, [text(3, 'eth0')]), message(2, 0, 9, [new Uint8Array(4)])]);
    const parsed = parseMessages(two);
    expect(parsed.map(({ type, flags, sequence }) => [type, flags, sequence])).toEqual([
      [16, 1, 8],
      [2, 0, 9],
    ]);
    const [first] = parseAttributeList(parsed[0]?.body ?? new Uint8Array());
    expect(first?.[0]).toBe(3);
    expect(readText(first?.[1] ?? new Uint8Array())).toBe('eth0');
  });

  test.each(['0f000000 0000 0000 00000000 00000000', '11000000 0000 0000 00000000 00000000'])(
    'refuses a length that does not fit: %s',
    (value) => {
      expect(() => parseMessages(bytes(value))).toThrow(/netlink message/);
    },
  );

  test('an attribute that does not fit ends the list', () => {
    expect(parseAttributeList(bytes('0800 0100 01020304 0900 0200 0102'))).toHaveLength(1);
    expect(parseAttributeList(bytes('0300 0100 01020304'))).toEqual([]);
  });
});

describe('addresses with a prefix', () => {
  test.each([
    ['10.0.0.1', { address: '10.0.0.1', prefix: 32 }],
    ['10.0.0.1/24', { address: '10.0.0.1', prefix: 24 }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0 }],
  ])('%s', (value, want) => {
    expect(parseIpv4Prefix(value)).toEqual(want);
  });
  test.each(['10.0.0.1/33', '10.0.0.1/', '10.0.0.1/24/1', '10.0.0.1/x', '10.0.0', 'host', '::1'])(
    'not %s',
    (value) => {
      expect(() => parseIpv4Prefix(value)).toThrow();
    },
  );
});
