// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv6Bytes, ipv6Text, packAddresses, unpackAddresses } from '../../src/sctp/socket-address.ts';

test.each([
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['2001:db8::11', '20010db8000000000000000000000011'],
  ['fe80::1:2:3:4', 'fe800000000000000001000200030004'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['1::', '00010000000000000000000000000000'],
])('the octets of %s', (text, hex) => {
  expect(Buffer.from(ipv6Bytes(text)).toString('hex')).toBe(hex);
});

test('any sixteen octets come back from their text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(ipv6Bytes(ipv6Text(bytes))).toEqual(bytes);
    }),
  );
});

test('a list of both families, packed as the kernel wants it', () => {
  const packed = packAddresses(['10.0.0.1', '2001:db8::1', 'fe80::1%7'], 3863);
  expect(packed).toHaveLength(16 + 28 + 28);
  // AF_INET in the host's order, port and address in the network's.
  expect(Buffer.from(packed.subarray(0, 8)).toString('hex')).toBe('02000f170a000001');
  expect(Buffer.from(packed.subarray(16, 20)).toString('hex')).toBe('0a000f17');
  expect(unpackAddresses(packed, 3)).toEqual([
    { address: '10.0.0.1', port: 3863 },
    { address: '2001:db8::1', port: 3863 },
    { address: 'fe80::1%7', port: 3863 },
  ]);
});

test('what is no address, and lists that end early', () => {
  for (const bad of ['', 'host', '1.2.3', '1.2.3.4.5', ':::', 'fe80::1%../../x', '10.0.0.1%lo']) {
    expect(() => packAddresses([bad], 1)).toThrow(expect.objectContaining({ name: 'PlatformError' }));
  }
  expect(() => packAddresses(['::1'], 65_536)).toThrow('not a port');
  expect(() => packAddresses(['fe80::1%nolink0'], 1)).toThrow('no link nolink0');
  const packed = packAddresses(['10.0.0.1', '::1'], 1);
  for (let end = 16; end < packed.length; end += 1) {
    expect(unpackAddresses(packed.subarray(0, end), 2)).toHaveLength(1);
  }
  expect(unpackAddresses(new Uint8Array(128), 1)).toEqual([]);
});
