// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  formatIp,
  type Policy,
  parseIp,
  readPeChecksum,
  readPolicy,
  readServerInformation,
  readTlvs,
  readTransport,
  type Tlv,
  type Transport,
  writePeChecksum,
  writePolicy,
  writeServerInformation,
  writeTransport,
} from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';

function tlvOf(hex: string): Tlv {
  const [tlv] = readTlvs(new ByteReader(fromHex(hex)), []);
  if (tlv === undefined) throw new Error('no parameter');
  return tlv;
}

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return toHex(writer.pad(4).finish());
}

describe('transports, §3.3–§3.7 and §3.16 (by hand from the RFC)', () => {
  test.each<[string, string, Transport]>([
    ['UDP', '00060010 13c40000 00010008 0a00001f', { type: 'udp', port: 5060, address: '10.0.0.31' }],
    [
      'UDP-Lite',
      '00070010 13c40000 00010008 0a00001f',
      { type: 'udp-lite', port: 5060, address: '10.0.0.31' },
    ],
    [
      'DCCP',
      '00030014 13c40000 52545041 00010008 0a00001f',
      { type: 'dccp', port: 5060, serviceCode: 0x52545041, address: '10.0.0.31' },
    ],
    ['opaque', '00100007 01020300', { type: 'opaque', data: Uint8Array.of(1, 2, 3) }],
    [
      'TCP whose reserved field is a Transport Use, as rsplib writes it',
      '00050010 00500001 00010008 0a000015',
      { type: 'tcp', port: 80, address: '10.0.0.21', use: 'data-and-control' },
    ],
  ])('%s', (_name, hex, transport) => {
    expect(readTransport(tlvOf(hex), [])).toEqual(transport);
    expect(written((writer) => writeTransport(writer, transport))).toBe(toHex(fromHex(hex)));
  });

  test('a TCP transport takes one address only', () => {
    const two = tlvOf('00050018 00500000 00010008 0a000015 00010008 0a000016');
    expect(() => readTransport(two, [])).toThrow(WireError);
  });

  test('the reserved field of a TCP transport is ignored', () => {
    const transport = readTransport(tlvOf('00050010 00501234 00010008 0a000015'), []);
    expect(transport).toEqual({ type: 'tcp', port: 80, address: '10.0.0.21' });
  });
});

describe('policies, RFC 5356 §3 and rsplib (by hand)', () => {
  test.each<[string, string, Policy]>([
    ['priority 10', '0008000c 00000005 0000000a', { type: 'priority', priority: 10 }],
    [
      'least used with degradation, 50 % and 10 %',
      '00080010 40000002 80000000 1999999a',
      { type: 'least-used-degradation', load: 0x80000000, degradation: 0x1999999a },
    ],
    [
      'weighted random with distance',
      '00080014 b0002001 00000064 00418937 00000032',
      { type: 'weighted-random-distance', weight: 100, weightDistancePenalty: 0x418937, distance: 50 },
    ],
    ['unknown number', '0008000a 0000ffff abcd', { type: 'other', code: 0xffff, data: fromHex('abcd') }],
  ])('%s', (_name, hex, policy) => {
    expect(readPolicy(tlvOf(hex))).toEqual(policy);
    expect(written((writer) => writePolicy(writer, policy)).startsWith(toHex(fromHex(hex)))).toBe(true);
  });

  test('octets behind the fields of the type are ignored', () => {
    expect(readPolicy(tlvOf('0008000c 00000001 deadbeef'))).toEqual({ type: 'round-robin' });
  });

  test('fewer than the fields of the type are refused', () => {
    expect(() => readPolicy(tlvOf('00080008 40000001'))).toThrow(expect.objectContaining({ code: 'short' }));
  });
});

test('server information and checksum, §3.11 and §3.15 (by hand)', () => {
  const hex = '000b0018 0a0b0c0d 00040010 26ad0000 00010008 c0000201';
  const server = readServerInformation(tlvOf(hex), []);
  expect(server).toEqual({
    registrarId: 0x0a0b0c0d,
    transport: { type: 'sctp', port: 9901, use: 'data', addresses: ['192.0.2.1'] },
  });
  expect(written((writer) => writeServerInformation(writer, server))).toBe(toHex(fromHex(hex)));
  expect(readPeChecksum(tlvOf('000f0006 a5930000'))).toBe(0xa593);
  expect(written((writer) => writePeChecksum(writer, 0xffff))).toBe('000f0006ffff0000');
});

describe('addresses as text, RFC 5952', () => {
  test.each([
    ['0a00000b', '10.0.0.11'],
    ['20010db8000000000000000000000011', '2001:db8::11'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000100000000000100000000', '2001:db8:1::1:0:0'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['00010000000000000000000000000000', '1::'],
    ['00000000000000000000ffff0a00000b', '::ffff:10.0.0.11'],
  ])('%s is %s', (hex, text) => {
    expect(formatIp(fromHex(hex))).toBe(text);
    expect(toHex(parseIp(text))).toBe(hex);
  });

  test('other spellings are read', () => {
    expect(toHex(parseIp('2001:DB8:0:0:0:0:0:0011'))).toBe('20010db8000000000000000000000011');
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::8',
    ':::',
    'fe80::1%eth0',
    '1.2::3',
    'g::',
  ])('refuses %j', (text) => {
    expect(() => parseIp(text)).toThrow(WireError);
  });
});
